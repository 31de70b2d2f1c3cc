// Flow control: what a transport keeps when the peer does not read, and what
// becomes of it.
//
// Stage: 15
#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>

#include "connections.hpp"
#include "parity.hpp"

using namespace asyncio;
using namespace parity;
using namespace std::chrono_literals;

namespace {

void limits(const Recorder& protocol) {
  const auto [low, high] = protocol.transport.get_write_buffer_limits();
  say("low", low, "high", high);
}

bool keeps(const Recorder& protocol) {
  return protocol.transport.get_write_buffer_size() > 0;
}

void limit(
    const Recorder& protocol,
    std::size_t high,
    std::optional<std::size_t> low = std::nullopt
) {
  protocol.transport.set_write_buffer_limits(high, low);
}

}  // namespace

PARITY(the_limits_at_first) {
  const auto ours = recorder();
  co_await wire(ours);
  limits(*ours);
}

PARITY(the_high_mark_alone) {
  const auto ours = recorder();
  co_await wire(ours);
  limit(*ours, 1000);
  limits(*ours);
  limit(*ours, 3);
  limits(*ours);
}

PARITY(the_low_mark_alone) {
  const auto ours = recorder();
  co_await wire(ours);
  ours->transport.set_write_buffer_limits({}, 1000);
  limits(*ours);
  ours->transport.set_write_buffer_limits({}, 0);
  limits(*ours);
}

PARITY(both_marks) {
  const auto ours = recorder();
  co_await wire(ours);
  limit(*ours, 1000, 10);
  limits(*ours);
  limit(*ours, 7, 7);
  limits(*ours);
}

PARITY(no_marks_are_the_first_ones) {
  const auto ours = recorder();
  co_await wire(ours);
  limit(*ours, 1000, 10);
  ours->transport.set_write_buffer_limits();
  limits(*ours);
}

PARITY(no_marks_at_all) {
  const auto ours = recorder();
  co_await wire(ours);
  limit(*ours, 0);
  limits(*ours);
}

PARITY(marks_that_cannot_be) {
  const auto ours = recorder();
  co_await wire(ours);
  say(raises([&] { limit(*ours, 1, 2); }));
  say(raises([&] { limit(*ours, 0, 1); }));
  limits(*ours);
}

PARITY(marks_after_the_end) {
  const auto ours = recorder();
  co_await wire(ours);
  ours->transport.close();
  co_await until([&] { return ours->lost; });
  limit(*ours, 100);
  limits(*ours);
  say(ours->transport.get_write_buffer_size());
}

PARITY(a_small_write_is_not_kept) {
  const auto ours = recorder();
  co_await wire(ours);
  limit(*ours, 0);
  ours->transport.write("x");
  co_await settle();
  say(keeps(*ours), ours->paused);
}

PARITY(a_big_write_pauses_at_once) {
  const auto ours = recorder();
  co_await wire(ours);
  ours->transport.write(BIG);
  say("written", keeps(*ours));
}

PARITY(only_the_first_write_pauses) {
  const auto ours = recorder();
  co_await wire(ours);
  ours->transport.write(BIG);
  const auto before = ours->transport.get_write_buffer_size();
  ours->transport.write("more");
  ours->transport.write("and more");
  say(ours->transport.get_write_buffer_size() - before);
}

PARITY(up_to_the_high_mark_it_does_not_pause) {
  const auto ours = recorder();
  co_await wire(ours);
  limit(*ours, 2 * BIG.size());
  ours->transport.write(BIG);
  const auto kept = ours->transport.get_write_buffer_size();
  limit(*ours, kept + 10);
  ours->transport.write("0123456789");
  say("at the mark", ours->paused);
  ours->transport.write("x");
  say("above it", ours->paused);
}

PARITY(lower_marks_pause_at_once) {
  const auto ours = recorder();
  co_await wire(ours);
  limit(*ours, 2 * BIG.size());
  ours->transport.write(BIG);
  say("not yet", keeps(*ours), ours->paused);
  limit(*ours, 100);
  say("marks set");
}

PARITY(higher_marks_do_not_resume) {
  const auto ours = recorder();
  Peer peer = co_await wire(ours);
  ours->transport.write(BIG);
  limit(*ours, 2 * BIG.size(), BIG.size());
  co_await settle();
  say("not yet", ours->paused);
  peer.receive();
  co_await until([&] { return !ours->paused; });
  say(keeps(*ours));
}

PARITY(it_resumes_when_the_peer_has_read) {
  const auto ours = recorder();
  Peer peer = co_await wire(ours);
  ours->transport.write(BIG);
  co_await settle();
  say("nobody reads", ours->paused);
  say(co_await drained(peer, ours) == BIG.size(), ours->paused);
}

PARITY(with_a_low_mark_of_nothing_it_resumes_when_all_is_sent) {
  const auto ours = recorder();
  Peer peer = co_await wire(ours);
  limit(*ours, 0);
  ours->on_resume = [&] { say("kept", keeps(*ours)); };
  ours->transport.write(BIG);
  co_await drained(peer, ours);
}

PARITY(it_resumes_before_all_is_sent) {
  const auto ours = recorder();
  Peer peer = co_await wire(ours);
  limit(*ours, BIG.size() / 2, BIG.size() / 4);
  ours->on_resume = [&] { say("kept", keeps(*ours)); };
  ours->transport.write(BIG);
  say(co_await drained(peer, ours) == BIG.size());
}

PARITY(it_pauses_and_resumes_again_and_again) {
  const auto ours = recorder();
  Peer peer = co_await wire(ours);
  for (int i = 0; i < 3; ++i) {
    ours->transport.write(BIG);
    say(co_await drained(peer, ours) == BIG.size());
  }
}

PARITY(write_in_resume_writing) {
  const auto ours = recorder();
  Peer peer = co_await wire(ours);
  limit(*ours, 0);
  bool again = false;

  const auto once_more = [&] {
    if (!again) {
      again = true;
      ours->transport.write(BIG);
    }
  };

  ours->on_resume = once_more;
  ours->transport.write(BIG);
  say(co_await drained(peer, ours) == 2 * BIG.size());
}

PARITY(write_in_pause_writing) {
  const auto ours = recorder();
  Peer peer = co_await wire(ours);
  ours->on_pause = [&] { ours->transport.write("more"); };
  ours->transport.write(BIG);
  say(co_await drained(peer, ours) - BIG.size());
}

PARITY(close_in_pause_writing) {
  const auto ours = recorder();
  Peer peer = co_await wire(ours);
  ours->on_pause = [&] { ours->transport.close(); };
  ours->transport.write(BIG);
  say(ours->transport.is_closing(), keeps(*ours));
  const auto text = co_await until_end(peer);
  say(text.size() == BIG.size(), ours->lost);
}

PARITY(abort_in_pause_writing) {
  const auto ours = recorder();
  ours->on_pause = [&] { ours->transport.abort(); };
  co_await wire(ours);
  ours->transport.write(BIG);
  say(ours->transport.is_closing(), keeps(*ours));
  co_await until([&] { return ours->lost; });
}

PARITY(close_in_resume_writing) {
  const auto ours = recorder();
  Peer peer = co_await wire(ours);
  limit(*ours, BIG.size() / 2, BIG.size() / 4);
  ours->on_resume = [&] { ours->transport.close(); };
  ours->transport.write(BIG);
  const auto text = co_await until_end(peer);
  say(text.size() == BIG.size(), ours->lost);
}

PARITY(close_in_resume_writing_with_nothing_kept) {
  const auto ours = recorder();
  Peer peer = co_await wire(ours);
  limit(*ours, 0);
  ours->on_resume = [&] { ours->transport.close(); };
  ours->transport.write(BIG);
  const auto text = co_await until_end(peer);
  say(text.size() == BIG.size(), ours->lost);
}

PARITY(abort_in_resume_writing) {
  const auto ours = recorder();
  Peer peer = co_await wire(ours);
  limit(*ours, BIG.size() / 2, BIG.size() / 4);
  ours->on_resume = [&] { ours->transport.abort(); };
  ours->transport.write(BIG);
  const auto text = co_await until_end(peer);
  say(text.size() < BIG.size(), ours->lost);
}

PARITY(write_eof_in_resume_writing) {
  const auto ours = recorder();
  Peer peer = co_await wire(ours);
  limit(*ours, 0);
  ours->on_resume = [&] { ours->transport.write_eof(); };
  ours->transport.write(BIG);
  const auto text = co_await until_end(peer);
  say(text.size() == BIG.size(), ours->lost);
}

PARITY(pause_writing_raises) {
  const auto ours = recorder();
  ours->on_pause = boom;
  Peer peer = co_await wire(ours);
  ours->transport.write(BIG);
  say("written", ours->transport.is_closing());
  say(co_await drained(peer, ours) == BIG.size());
}

PARITY(resume_writing_raises) {
  const auto ours = recorder();
  ours->on_resume = boom;
  Peer peer = co_await wire(ours);
  ours->transport.write(BIG);
  say(co_await drained(peer, ours) == BIG.size());
  ours->transport.write("goes on");
  say(peer.receive());
}

PARITY(set_protocol_while_it_is_paused) {
  const auto first = recorder("first");
  const auto second = recorder("second");
  Peer peer = co_await wire(first);
  first->transport.write(BIG);
  first->transport.set_protocol(second);
  second->transport = first->transport;
  co_await drained(peer, second);
  say(first->paused);
}

PARITY(set_protocol_in_pause_writing) {
  const auto first = recorder("first");
  const auto second = recorder("second");
  first->on_pause = [&] { first->transport.set_protocol(second); };
  Peer peer = co_await wire(first);
  first->transport.write(BIG);
  co_await drained(peer, first);
}

PARITY(close_sends_what_is_kept) {
  const auto ours = recorder();
  Peer peer = co_await wire(ours);
  ours->transport.write(BIG);
  ours->transport.close();
  co_await settle();
  say(ours->transport.is_closing(), keeps(*ours), ours->lost);
  const auto text = co_await until_end(peer);
  say(text.size() == BIG.size());
}

PARITY(close_tells_once_all_is_sent) {
  const auto ours = recorder();
  Peer peer = co_await wire(ours);
  ours->transport.write(BIG);
  ours->on_lost = [&] { say("kept", keeps(*ours)); };
  ours->transport.close();
  ours->transport.close();
  co_await until_end(peer);
  co_await settle();
}

PARITY(write_while_what_is_kept_is_sent) {
  const auto ours = recorder();
  Peer peer = co_await wire(ours);
  ours->transport.write(BIG);
  ours->transport.close();
  ours->transport.write("more");
  const auto text = co_await until_end(peer);
  say(text.size() - BIG.size());
}

PARITY(nothing_is_read_while_what_is_kept_is_sent) {
  const auto ours = recorder();
  Peer peer = co_await wire(ours);
  ours->transport.write(BIG);
  ours->transport.close();
  peer.send("never read");
  peer.send_eof();
  const auto text = co_await until_end(peer);
  say(text.size() == BIG.size(), ours->received == "", ours->ended);
}

PARITY(abort_drops_what_is_kept) {
  const auto ours = recorder();
  Peer peer = co_await wire(ours);
  ours->transport.write(BIG);
  ours->transport.abort();
  say(ours->transport.is_closing(), keeps(*ours), ours->lost);
  const auto text = co_await until_end(peer);
  say(text.size() < BIG.size(), ours->lost, ours->paused);
}

PARITY(abort_while_close_waits) {
  const auto ours = recorder();
  co_await wire(ours);
  ours->transport.write(BIG);
  ours->transport.close();
  co_await settle();
  say("not yet", ours->lost);
  ours->transport.abort();
  co_await until([&] { return ours->lost; });
  co_await settle();
}

PARITY(write_eof_after_what_is_kept) {
  const auto ours = recorder();
  ours->keep_open = true;
  Peer peer = co_await wire(ours);
  ours->transport.write(BIG);
  ours->transport.write_eof();
  say(raises([&] { ours->transport.write("x"); }), keeps(*ours));
  const auto text = co_await until_end(peer);
  say(text.size() == BIG.size(), ours->transport.is_closing());
  peer.send("answer");
  co_await until([&] { return ours->received != ""; });
}

PARITY(write_eof_and_close_with_data_kept) {
  const auto ours = recorder();
  Peer peer = co_await wire(ours);
  ours->transport.write(BIG);
  ours->transport.write_eof();
  ours->transport.close();
  const auto text = co_await until_end(peer);
  co_await until([&] { return ours->lost; });
  say(text.size() == BIG.size());
}

PARITY(write_eof_while_close_waits) {
  const auto ours = recorder();
  Peer peer = co_await wire(ours);
  ours->transport.write(BIG);
  ours->transport.close();
  ours->transport.write_eof();
  ours->transport.write("more");
  const auto text = co_await until_end(peer);
  co_await until([&] { return ours->lost; });
  say(text.size() - BIG.size());
}

PARITY(reading_goes_on_while_writing_is_paused) {
  const auto ours = recorder();
  Peer peer = co_await wire(ours);
  ours->transport.write(BIG);
  peer.send("one");
  co_await until([&] { return ours->received != ""; });
}

PARITY(writing_goes_on_while_reading_is_paused) {
  const auto ours = recorder();
  Peer peer = co_await wire(ours);
  ours->transport.pause_reading();
  ours->transport.write(BIG);
  say(co_await drained(peer, ours) == BIG.size());
}

PARITY(eof_with_data_kept_closes_after_it) {
  const auto ours = recorder();
  Peer peer = co_await wire(ours);
  ours->transport.write(BIG);
  peer.send_eof();
  co_await until([&] { return ours->ended; });
  co_await settle();
  say(ours->transport.is_closing(), ours->lost);
  const auto text = co_await until_end(peer);
  say(text.size() == BIG.size(), ours->lost);
}

PARITY(the_peer_ends_with_data_kept) {
  const auto ours = recorder();
  Peer peer = co_await wire(ours);
  ours->transport.pause_reading();
  ours->transport.write(BIG);
  peer.receive();
  peer.close();
  co_await until([&] { return ours->lost; });
  say(keeps(*ours), ours->paused);
}

PARITY(the_peer_ends_while_close_waits) {
  const auto ours = recorder();
  Peer peer = co_await wire(ours);
  ours->transport.write(BIG);
  ours->transport.close();
  co_await settle();
  peer.receive();
  peer.close();
  co_await until([&] { return ours->lost; });
  say(keeps(*ours));
}

PARITY(the_peer_resets_with_data_kept) {
  const auto ours = recorder();
  const auto server = co_await serve(ours);
  Peer peer = connect_raw(server_port(server));
  co_await until([&] { return ours->made; });
  limit(*ours, 2 * BIG.size());
  ours->transport.write(BIG);
  peer.reset();
  co_await until([&] { return ours->lost; });
  say(keeps(*ours), ours->paused);
  server.close();
}

PARITY(data_received_raises_with_data_kept) {
  const auto ours = recorder();
  ours->on_data = boom;
  Peer peer = co_await wire(ours);
  ours->transport.write(BIG);
  peer.send("x");
  co_await until([&] { return ours->lost; });
  say(keeps(*ours));
}

PARITY(five_writes_after_abort_with_data_kept) {
  const auto ours = recorder();
  co_await wire(ours);
  ours->transport.write(BIG);
  ours->transport.abort();

  const auto write = [&] { ours->transport.write("x"); };

  for (int i = 0; i < 6; ++i) {
    say(i, lines_on_stderr(write), keeps(*ours));
  }
  co_await until([&] { return ours->lost; });
}

PARITY(one_that_heeds_the_marks_keeps_little) {
  const auto ours = recorder();
  Peer peer = co_await wire(ours);
  limit(*ours, 1000);
  const std::string text(500, 'x');
  for (int i = 0; i < 5000; ++i) {
    if (!ours->paused) {
      ours->transport.write(text);
    }
  }
  say(ours->paused, ours->transport.get_write_buffer_size() <= 1500);
  co_await drained(peer, ours);
  say(ours->paused);
}

PARITY(big_writes_keep_their_order) {
  const auto one = recorder("one");
  const auto two = recorder("two");
  co_await pair(one, two);
  limit(*one, BIG.size());
  one->transport.write(std::string(100000, 'a'));
  one->transport.write(std::string(100000, 'b'));
  const std::string c(100000, 'c');
  const std::string d(100000, 'd');
  one->transport.writelines({c, d});
  one->transport.close();
  co_await until([&] { return two->lost; });
  const std::string text = two->received;
  say(text.size(), std::is_sorted(text.begin(), text.end()));
}

PARITY(a_slow_reader_gets_all_of_it) {
  const auto one = recorder("one");
  const auto two = recorder("two");
  co_await pair(one, two);
  two->transport.pause_reading();
  one->transport.write(BIG);
  one->transport.close();
  co_await settle();
  say("kept", keeps(*one), one->lost);
  two->transport.resume_reading();
  co_await until([&] { return two->lost; });
  say(two->received.size() == BIG.size(), one->lost);
}

PARITY(pausing_after_each_piece) {
  const auto one = recorder("one");
  const auto two = recorder("two");
  co_await pair(one, two);
  EventLoop& loop = get_running_loop();
  const auto later = [&] {
    two->transport.pause_reading();
    loop.call_soon([&] { two->transport.resume_reading(); });
  };
  two->on_data = later;
  one->transport.write(BIG);
  one->transport.close();
  co_await until([&] { return two->lost; });
  say(two->received.size() == BIG.size(), one->lost);
}

PARITY_PLAIN(the_loop_closes_with_data_kept) {
  EventLoop loop;
  prepare(loop);
  const auto ours = recorder();
  Peer peer = loop.run_until_complete(wire(ours));
  ours->transport.write(BIG);
  ours->transport.close();
  loop.close();
  say("closed", ours->lost);
  say(peer.receive().size() < BIG.size());
}

PARITY_PLAIN(stop_in_pause_writing) {
  EventLoop loop;
  prepare(loop);
  const auto ours = recorder();
  ours->on_pause = [&] { loop.stop(); };
  Peer peer = loop.run_until_complete(wire(ours));
  loop.call_soon([&] { ours->transport.write(BIG); });
  loop.run_forever();
  say("stopped", ours->paused);
  loop.run_until_complete(drained(peer, ours));
  say(ours->paused);
  loop.close();
}
