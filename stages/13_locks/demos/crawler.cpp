#include <cmath>
#include <cstdio>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "asyncio.hpp"
#include "common/command_line.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

/// A small web: each page, and what it links to.
static const std::map<std::string, std::vector<std::string>> web{
    {"/", {"/about", "/blog", "/shop"}},
    {"/about", {"/", "/team"}},
    {"/blog", {"/blog/1", "/blog/2", "/"}},
    {"/blog/1", {"/blog/2"}},
    {"/blog/2", {"/blog", "/blog/1"}},
    {"/shop", {"/shop/lock", "/shop/queue"}},
    {"/shop/lock", {"/shop"}},
    {"/shop/queue", {"/shop", "/about"}},
    {"/team", {}},
};

static Coroutine<std::vector<std::string>> fetch(std::string page) {
  co_await sleep(100ms);
  co_return web.at(page);
}

/// What the workers share. add() awaits nothing, so no other task runs in its
/// middle, and no lock is needed.
struct Crawl {
  void add(const std::string& page) {
    if (seen.insert(page).second) {
      pages.put_nowait(page);
    }
  }

  Queue<std::string> pages;
  std::set<std::string> seen;
  Seconds start = get_running_loop().time();
};

static Coroutine<> work(Crawl* crawl, std::string name) {
  while (true) {
    const std::string page = co_await crawl->pages.get();
    const std::vector<std::string> links = co_await fetch(page);
    const Seconds passed = get_running_loop().time() - crawl->start;
    // Rounded down: a little late does not show.
    std::printf("  %.1f s  %s  %s\n", std::floor(passed.count() * 10) / 10,
                name.c_str(), page.c_str());
    for (const std::string& link : links) {
      crawl->add(link);
    }
    crawl->pages.task_done();
  }
}

static Coroutine<> crawl_all(int count) {
  std::printf("%d worker%s\n", count, count == 1 ? "" : "s");
  Crawl crawl;
  crawl.add("/");
  std::vector<Task<>> workers;
  for (int i = 0; i < count; ++i) {
    workers.push_back(create_task(work(&crawl, std::string(1, 'a' + i))));
  }
  co_await crawl.pages.join();
  for (const Task<>& worker : workers) {
    worker.cancel();
  }
  co_await wait(workers);
  std::printf("  all done: %zu pages\n", crawl.seen.size());
}

static Coroutine<> crawler() {
  co_await crawl_all(1);
  co_await crawl_all(3);
}

static const Demo<Coroutine<>()> demo{
    "crawler", "one queue, one worker or three, until all is done", crawler};
