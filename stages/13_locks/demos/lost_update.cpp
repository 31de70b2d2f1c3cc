#include <cstdio>
#include <utility>

#include "asyncio.hpp"
#include "common/command_line.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

/// An account that some server keeps: reading and writing it takes a while.
struct Account {
  int balance = 100;

  Coroutine<int> read() {
    co_await sleep(10ms);
    co_return balance;
  }

  Coroutine<> write(int value) {
    co_await sleep(10ms);
    balance = value;
  }
};

// Other tasks run during the two awaits: what was read may be out of date when
// it is written.
static Coroutine<> deposit(Account* account, int amount) {
  const int before = co_await account->read();
  co_await account->write(before + amount);
}

static Coroutine<> deposit_alone(Account* account, Lock* lock, int amount) {
  const auto guard = co_await lock->scoped();
  co_await deposit(account, amount);
}

static Coroutine<> lost_update() {
  Account account;
  co_await gather(deposit(&account, 10), deposit(&account, 20),
                  deposit(&account, 30));
  std::printf("without a lock: 100 + 10 + 20 + 30 = %d\n", account.balance);
  account.balance = 100;
  Lock lock;
  co_await gather(deposit_alone(&account, &lock, 10),
                  deposit_alone(&account, &lock, 20),
                  deposit_alone(&account, &lock, 30));
  std::printf("with a lock:    100 + 10 + 20 + 30 = %d\n", account.balance);
}

static const Demo<Coroutine<>()> demo{
    "lost_update", "three deposits at once, without a lock and with one",
    lost_update};
