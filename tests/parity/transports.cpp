// Transports: what a protocol is told, in which order, and what it may do.
//
// Stage: 15
#include <cerrno>
#include <cstddef>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "common/net.hpp"
#include "connections.hpp"
#include "parity.hpp"

using namespace asyncio;
using namespace parity;
using namespace std::chrono_literals;

PARITY(connection_made_comes_before_create_connection_returns) {
  const auto ours = recorder();
  co_await wire(ours);
  say("connected", ours->made);
}

PARITY(connection_made_is_not_called_at_once) {
  const auto ours = recorder();
  const auto connecting = create_task(wire(ours));
  co_await sleep(0s);
  say("one round later", ours->made);
  co_await connecting;
  say("in the end", ours->made);
}

PARITY(create_connection_returns_both) {
  const auto ours = recorder();
  const auto [here, there] = stream_pair();
  const auto [transport, protocol] = co_await connect(ours, here);
  say(transport == ours->transport, protocol == ours);
  Peer(there).close();
  co_await until([&] { return ours->lost; });
}

PARITY(what_waits_already_comes_after_connection_made) {
  const auto ours = recorder();
  const auto [here, there] = stream_pair();
  Peer peer = Peer(there);
  peer.send("early");
  co_await connect(ours, here);
  say("connected");
  co_await until([&] { return ours->received != ""; });
}

PARITY(data_then_eof_then_lost) {
  const auto ours = recorder();
  Peer peer = co_await wire(ours);
  peer.send("one");
  co_await until([&] { return ours->received != ""; });
  peer.close();
  co_await until([&] { return ours->lost; });
  co_await settle();
}

PARITY(the_end_is_there_with_the_data) {
  const auto ours = recorder();
  Peer peer = co_await wire(ours);
  peer.send("last");
  peer.close();
  co_await until([&] { return ours->lost; });
}

PARITY(two_messages_are_one_piece) {
  const auto ours = recorder();
  Peer peer = co_await wire(ours);
  peer.send("one");
  peer.send("two");
  co_await until([&] { return ours->received != ""; });
}

PARITY(all_that_comes_comes) {
  const auto ours = recorder();
  Peer peer = co_await wire(ours);
  for (int i = 0; i < 200; ++i) {
    peer.send(std::string(200, 'x'));
    co_await settle();
  }
  say(ours->received.size());
}

PARITY(write_sends_at_once) {
  const auto ours = recorder();
  Peer peer = co_await wire(ours);
  ours->transport.write("hello");
  say(peer.receive(), ours->transport.get_write_buffer_size());
}

PARITY(write_in_connection_made) {
  const auto ours = recorder();
  ours->on_made = [&] { ours->transport.write("welcome"); };
  Peer peer = co_await wire(ours);
  say(peer.receive());
}

PARITY(writing_nothing_is_nothing) {
  const auto ours = recorder();
  Peer peer = co_await wire(ours);
  ours->transport.write("");
  co_await settle();
  say("[" + peer.receive() + "]", peer.ended);
}

PARITY(writelines_writes_all) {
  const auto ours = recorder();
  Peer peer = co_await wire(ours);
  ours->transport.writelines({"one ", "", "two ", "three"});
  say(peer.receive());
}

PARITY(writelines_of_nothing) {
  const auto ours = recorder();
  Peer peer = co_await wire(ours);
  ours->transport.writelines({});
  say("[" + peer.receive() + "]", peer.ended);
}

PARITY(an_echo_of_many_messages) {
  const auto ours = recorder();
  ours->on_data = [&] { ours->transport.write("echo "); };
  Peer peer = co_await wire(ours);
  std::string text;
  for (std::size_t i = 0; i < 5; ++i) {
    peer.send(std::to_string(i));
    co_await until([&] { return ours->received.size() > i; });
    text += peer.receive();
  }
  say(text);
}

PARITY(write_eof_ends_one_direction) {
  const auto ours = recorder();
  Peer peer = co_await wire(ours);
  say(ours->transport.can_write_eof());
  ours->transport.write("bye");
  ours->transport.write_eof();
  say(peer.receive(), peer.ended, ours->transport.is_closing());
  peer.send("answer");
  co_await until([&] { return ours->received != ""; });
}

PARITY(no_write_after_write_eof) {
  const auto ours = recorder();
  Peer peer = co_await wire(ours);
  ours->transport.write_eof();
  say(raises([&] { ours->transport.write("x"); }));
  say(raises([&] { ours->transport.write(""); }));
  say(raises([&] { ours->transport.writelines({"x"}); }));
  say("[" + peer.receive() + "]");
}

PARITY(write_eof_twice) {
  const auto ours = recorder();
  Peer peer = co_await wire(ours);
  ours->transport.write_eof();
  say(raises([&] { ours->transport.write_eof(); }));
  say(peer.receive() == "", peer.ended);
}

PARITY(write_eof_after_close) {
  const auto ours = recorder();
  Peer peer = co_await wire(ours);
  ours->transport.close();
  say(raises([&] { ours->transport.write_eof(); }));
  say(peer.receive() == "", peer.ended);
  // No end was written, so this is no error either.
  say(raises([&] { ours->transport.write("x"); }));
  co_await until([&] { return ours->lost; });
}

PARITY(eof_and_keep_open) {
  const auto ours = recorder();
  ours->keep_open = true;
  Peer peer = co_await wire(ours);
  peer.send_eof();
  co_await until([&] { return ours->ended; });
  co_await settle();
  say(ours->transport.is_closing(), ours->transport.is_reading());
  ours->transport.write("still here");
  say(peer.receive());
  ours->transport.close();
  co_await until([&] { return ours->lost; });
}

PARITY(eof_and_not_keep_open) {
  const auto ours = recorder();
  Peer peer = co_await wire(ours);
  ours->on_eof = [&] { ours->transport.write("the last word"); };
  peer.send_eof();
  co_await until([&] { return ours->lost; });
  say(peer.receive(), peer.ended);
}

PARITY(close_in_eof_received_and_keep_open) {
  const auto ours = recorder();
  ours->keep_open = true;
  ours->on_eof = [&] { ours->transport.close(); };
  Peer peer = co_await wire(ours);
  peer.send_eof();
  co_await until([&] { return ours->lost; });
}

PARITY(resuming_after_eof_tells_it_again) {
  const auto ours = recorder();
  ours->keep_open = true;
  Peer peer = co_await wire(ours);
  peer.send_eof();
  co_await until([&] { return ours->ended; });
  ours->ended = false;
  ours->transport.pause_reading();
  ours->transport.resume_reading();
  co_await until([&] { return ours->ended; });
  ours->transport.close();
  co_await until([&] { return ours->lost; });
}

PARITY(close_is_told_later) {
  const auto ours = recorder();
  co_await wire(ours);
  ours->transport.close();
  say("closed", ours->transport.is_closing(), ours->lost);
  co_await sleep(0s);
  say("one round later", ours->lost);
}

PARITY(close_twice) {
  const auto ours = recorder();
  co_await wire(ours);
  ours->transport.close();
  ours->transport.close();
  co_await settle();
  ours->transport.close();
  co_await settle();
}

PARITY(close_in_connection_made) {
  const auto ours = recorder();
  ours->on_made = [&] { ours->transport.close(); };
  Peer peer = co_await wire(ours);
  say("connected", ours->lost);
  co_await until([&] { return ours->lost; });
  say(peer.receive() == "", peer.ended);
}

PARITY(abort_in_connection_made) {
  const auto ours = recorder();
  ours->on_made = [&] { ours->transport.abort(); };
  Peer peer = co_await wire(ours);
  say("connected", ours->lost);
  co_await until([&] { return ours->lost; });
  say(peer.receive() == "", peer.ended);
}

PARITY(close_in_data_received) {
  const auto ours = recorder();
  ours->on_data = [&] { ours->transport.close(); };
  Peer peer = co_await wire(ours);
  peer.send("one");
  co_await until([&] { return ours->received != ""; });
  peer.send("two");
  co_await until([&] { return ours->lost; });
  co_await settle();
}

PARITY(write_and_close_in_data_received) {
  const auto ours = recorder();

  const auto answer = [&] {
    ours->transport.write("echo");
    ours->transport.close();
  };

  ours->on_data = answer;
  Peer peer = co_await wire(ours);
  peer.send("one");
  say(co_await until_end(peer));
}

PARITY(close_within_connection_lost) {
  const auto ours = recorder();
  ours->on_lost = [&] { ours->transport.close(); };
  co_await wire(ours);
  ours->transport.close();
  co_await settle();
}

PARITY(abort_within_connection_lost) {
  const auto ours = recorder();
  ours->on_lost = [&] { ours->transport.abort(); };
  co_await wire(ours);
  ours->transport.close();
  co_await settle();
}

PARITY(write_within_connection_lost) {
  const auto ours = recorder();
  ours->on_lost = [&] { ours->transport.write("too late"); };
  Peer peer = co_await wire(ours);
  ours->transport.close();
  say("[" + co_await until_end(peer) + "]", ours->lost);
}

PARITY(abort_after_close) {
  const auto ours = recorder();
  co_await wire(ours);
  ours->transport.close();
  ours->transport.abort();
  co_await settle();
}

PARITY(close_after_abort) {
  const auto ours = recorder();
  co_await wire(ours);
  ours->transport.abort();
  say(ours->transport.is_closing());
  ours->transport.close();
  ours->transport.abort();
  co_await settle();
}

PARITY(is_closing_from_end_to_end) {
  const auto ours = recorder();
  std::vector<bool> states;

  const auto look = [&] { states.push_back(ours->transport.is_closing()); };

  ours->on_made = ours->on_data = ours->on_eof = ours->on_lost = look;
  Peer peer = co_await wire(ours);
  peer.send("x");
  co_await until([&] { return ours->received != ""; });
  peer.close();
  co_await until([&] { return ours->lost; });
  look();
  for (const bool state : states) {
    say(state);
  }
}

PARITY(is_reading_from_end_to_end) {
  const auto ours = recorder();
  ours->on_made = [&] { say(ours->transport.is_reading()); };
  co_await wire(ours);
  ours->transport.pause_reading();
  say("paused", ours->transport.is_reading());
  ours->transport.resume_reading();
  say("resumed", ours->transport.is_reading());
  ours->transport.close();
  say("closed", ours->transport.is_reading());
  co_await until([&] { return ours->lost; });
  say("lost", ours->transport.is_reading());
}

PARITY(pause_and_resume_twice) {
  const auto ours = recorder();
  Peer peer = co_await wire(ours);
  for (int i = 0; i < 2; ++i) {
    ours->transport.pause_reading();
  }
  say(ours->transport.is_reading());
  for (int i = 0; i < 2; ++i) {
    ours->transport.resume_reading();
  }
  say(ours->transport.is_reading());
  peer.send("x");
  co_await until([&] { return ours->received != ""; });
}

PARITY(resume_that_was_not_paused) {
  const auto ours = recorder();
  Peer peer = co_await wire(ours);
  ours->transport.resume_reading();
  peer.send("x");
  co_await until([&] { return ours->received != ""; });
}

PARITY(nothing_comes_while_it_is_paused) {
  const auto ours = recorder();
  Peer peer = co_await wire(ours);
  ours->transport.pause_reading();
  peer.send("one");
  peer.close();
  co_await settle();
  say("so far", ours->received == "", ours->ended);
  ours->transport.resume_reading();
  co_await until([&] { return ours->lost; });
}

PARITY(pause_in_connection_made) {
  const auto ours = recorder();
  ours->on_made = [&] { ours->transport.pause_reading(); };
  Peer peer = co_await wire(ours);
  peer.send("x");
  co_await settle();
  say("so far", ours->received == "", ours->transport.is_reading());
  ours->transport.resume_reading();
  co_await until([&] { return ours->received != ""; });
}

PARITY(pause_and_resume_in_connection_made) {
  const auto ours = recorder();

  const auto both = [&] {
    ours->transport.pause_reading();
    ours->transport.resume_reading();
  };

  ours->on_made = both;
  Peer peer = co_await wire(ours);
  peer.send("x");
  co_await until([&] { return ours->received != ""; });
}

PARITY(pause_in_data_received) {
  const auto ours = recorder();
  ours->on_data = [&] { ours->transport.pause_reading(); };
  Peer peer = co_await wire(ours);
  peer.send("one");
  co_await until([&] { return ours->received != ""; });
  peer.send("two");
  co_await settle();
  say("so far", ours->received);
  ours->transport.resume_reading();
  co_await until([&] { return ours->received == "onetwo"; });
}

PARITY(a_paused_one_writes) {
  const auto ours = recorder();
  Peer peer = co_await wire(ours);
  ours->transport.pause_reading();
  ours->transport.write("hello");
  say(peer.receive());
}

PARITY(a_paused_one_is_closed) {
  const auto ours = recorder();
  Peer peer = co_await wire(ours);
  ours->transport.pause_reading();
  peer.send("never read");
  ours->transport.close();
  co_await until([&] { return ours->lost; });
}

PARITY(resume_after_close) {
  const auto ours = recorder();
  Peer peer = co_await wire(ours);
  ours->transport.pause_reading();
  peer.send("never read");
  ours->transport.close();
  ours->transport.resume_reading();
  co_await until([&] { return ours->lost; });
  ours->transport.resume_reading();
  ours->transport.pause_reading();
  co_await settle();
}

PARITY(five_writes_after_close) {
  const auto ours = recorder();
  Peer peer = co_await wire(ours);
  ours->transport.close();

  const auto write = [&] { ours->transport.write("x"); };

  for (int i = 0; i < 7; ++i) {
    say(i, lines_on_stderr(write));
  }
  co_await until([&] { return ours->lost; });
  say("[" + peer.receive() + "]", peer.ended);
}

PARITY(five_writes_after_the_end) {
  const auto ours = recorder();
  Peer peer = co_await wire(ours);
  peer.close();
  co_await until([&] { return ours->lost; });

  const auto write = [&] { ours->transport.write("x"); };

  for (int i = 0; i < 7; ++i) {
    say(i, lines_on_stderr(write));
  }
}

PARITY(data_received_raises) {
  const auto ours = recorder();
  ours->on_data = boom;
  Peer peer = co_await wire(ours);
  peer.send("x");
  co_await until([&] { return ours->lost; });
  say(peer.receive() == "", peer.ended);
}

PARITY(data_received_raises_after_it_wrote) {
  const auto ours = recorder();

  const auto answer = [&] {
    ours->transport.write("answer");
    boom();
  };

  ours->on_data = answer;
  Peer peer = co_await wire(ours);
  peer.send("x");
  say(co_await until_end(peer));
}

PARITY(data_received_raises_after_it_closed) {
  const auto ours = recorder();

  const auto end = [&] {
    ours->transport.close();
    boom();
  };

  ours->on_data = end;
  Peer peer = co_await wire(ours);
  peer.send("x");
  co_await until([&] { return ours->lost; });
}

PARITY(data_received_raises_what_the_system_would) {
  const auto ours = recorder();

  const auto broken = [&] {
    throw std::system_error(EPIPE, std::generic_category());
  };

  ours->on_data = broken;
  Peer peer = co_await wire(ours);
  peer.send("x");
  co_await until([&] { return ours->lost; });
}

PARITY(data_received_raises_a_cancellation) {
  const auto ours = recorder();

  const auto cancelled = [&] { throw CancelledError(); };

  ours->on_data = cancelled;
  Peer peer = co_await wire(ours);
  peer.send("x");
  co_await until([&] { return ours->lost; });
}

PARITY(connection_made_raises) {
  const auto ours = recorder();
  ours->on_made = boom;
  Peer peer = co_await wire(ours);
  say("connected", ours->transport.is_closing());
  peer.send("x");
  co_await until([&] { return ours->received != ""; });
}

PARITY(eof_received_raises) {
  const auto ours = recorder();
  ours->keep_open = true;
  ours->on_eof = boom;
  Peer peer = co_await wire(ours);
  peer.send_eof();
  co_await until([&] { return ours->lost; });
}

PARITY(connection_lost_raises) {
  const auto ours = recorder();
  ours->on_lost = boom;
  Peer peer = co_await wire(ours);
  ours->transport.close();
  say("[" + co_await until_end(peer) + "]");
  say(ours->transport.get_protocol() == nullptr);
}

PARITY(both_data_received_and_connection_lost_raise) {
  const auto ours = recorder();
  ours->on_data = ours->on_lost = boom;
  Peer peer = co_await wire(ours);
  peer.send("x");
  say("[" + co_await until_end(peer) + "]");
}

PARITY(the_factory_raises) {
  const auto [here, there] = stream_pair();
  const auto factory = []() -> std::shared_ptr<Recorder> {
    throw ValueError("boom");
  };
  try {
    co_await create_connection(factory, Socket(here));
  } catch (const ValueError&) {
    say(name(std::current_exception()));
  }
  Peer(there).close();
}

PARITY(set_protocol_in_the_middle) {
  const auto first = recorder("first");
  const auto second = recorder("second");
  Peer peer = co_await wire(first);
  peer.send("one");
  co_await until([&] { return first->received != ""; });
  first->transport.set_protocol(second);
  say(first->transport.get_protocol() == second);
  peer.send("two");
  co_await until([&] { return second->received != ""; });
  peer.close();
  co_await until([&] { return second->lost; });
  say(first->lost, second->made);
}

PARITY(set_protocol_in_connection_made) {
  const auto first = recorder("first");
  const auto second = recorder("second");
  first->on_made = [&] { first->transport.set_protocol(second); };
  Peer peer = co_await wire(first);
  peer.send("one");
  co_await until([&] { return second->received != ""; });
}

PARITY(set_protocol_in_data_received) {
  const auto first = recorder("first");
  const auto second = recorder("second");
  first->on_data = [&] { first->transport.set_protocol(second); };
  Peer peer = co_await wire(first);
  peer.send("one");
  co_await until([&] { return first->received != ""; });
  peer.send("two");
  peer.close();
  co_await until([&] { return second->lost; });
}

PARITY(set_protocol_in_eof_received) {
  const auto first = recorder("first");
  const auto second = recorder("second");
  first->on_eof = [&] { first->transport.set_protocol(second); };
  Peer peer = co_await wire(first);
  peer.close();
  co_await until([&] { return second->lost; });
}

PARITY(set_protocol_after_close) {
  const auto first = recorder("first");
  const auto second = recorder("second");
  co_await wire(first);
  first->transport.close();
  first->transport.set_protocol(second);
  co_await settle();
}

PARITY(the_old_protocol_raises_after_it_is_replaced) {
  const auto first = recorder("first");
  const auto second = recorder("second");

  const auto replace = [&] {
    first->transport.set_protocol(second);
    boom();
  };

  first->on_data = replace;
  Peer peer = co_await wire(first);
  peer.send("x");
  co_await until([&] { return second->lost; });
}

PARITY(get_protocol_from_end_to_end) {
  const auto ours = recorder();
  co_await wire(ours);
  say(ours->transport.get_protocol() == ours);
  ours->transport.close();
  say(ours->transport.get_protocol() == ours);
  co_await until([&] { return ours->lost; });
  co_await settle();
  say(ours->transport.get_protocol() == nullptr);
}

PARITY(a_buffered_protocol) {
  const auto ours = buffered(100);
  Peer peer = co_await wire(ours);
  peer.send("hello");
  co_await until([&] { return ours->received != ""; });
  peer.close();
  co_await until([&] { return ours->lost; });
}

PARITY(a_buffer_that_is_too_small) {
  const auto ours = buffered(4);
  Peer peer = co_await wire(ours);
  peer.send("0123456789");
  co_await until([&] { return ours->received.size() == 10; });
  say(ours->received);
}

PARITY(a_buffered_protocol_keeps_open) {
  const auto ours = buffered(100);
  ours->keep_open = true;
  Peer peer = co_await wire(ours);
  peer.send_eof();
  co_await until([&] { return ours->ended; });
  co_await settle();
  ours->transport.write("still here");
  say(peer.receive());
  ours->transport.close();
  co_await until([&] { return ours->lost; });
}

PARITY(a_buffered_protocol_pauses) {
  const auto ours = buffered(3);
  ours->on_data = [&] { ours->transport.pause_reading(); };
  Peer peer = co_await wire(ours);
  peer.send("onetwo");
  co_await until([&] { return ours->received != ""; });
  co_await settle();
  say("so far", ours->received);
  ours->transport.resume_reading();
  co_await until([&] { return ours->received == "onetwo"; });
}

PARITY(get_buffer_raises) {
  const auto ours = buffered(100);
  ours->on_get = boom;
  Peer peer = co_await wire(ours);
  peer.send("x");
  co_await until([&] { return ours->lost; });
}

PARITY(get_buffer_has_no_room) {
  const auto ours = buffered(0);
  Peer peer = co_await wire(ours);
  peer.send("x");
  co_await until([&] { return ours->lost; });
}

PARITY(get_buffer_closes) {
  const auto ours = buffered(100);
  ours->on_get = [&] { ours->transport.close(); };
  Peer peer = co_await wire(ours);
  peer.send("x");
  co_await until([&] { return ours->lost; });
}

PARITY(buffer_updated_raises) {
  const auto ours = buffered(100);
  ours->on_data = boom;
  Peer peer = co_await wire(ours);
  peer.send("x");
  co_await until([&] { return ours->lost; });
}

PARITY(a_buffered_eof_received_raises) {
  const auto ours = buffered(100);
  ours->on_eof = boom;
  Peer peer = co_await wire(ours);
  peer.close();
  co_await until([&] { return ours->lost; });
}

PARITY(from_data_received_to_get_buffer) {
  const auto first = recorder("first");
  const auto second = buffered(100, "second");
  first->on_data = [&] { first->transport.set_protocol(second); };
  Peer peer = co_await wire(first);
  peer.send("one");
  co_await until([&] { return first->received != ""; });
  peer.send("two");
  co_await until([&] { return second->received != ""; });
}

PARITY(from_get_buffer_to_data_received) {
  const auto first = buffered(100, "first");
  const auto second = recorder("second");
  first->on_data = [&] { first->transport.set_protocol(second); };
  Peer peer = co_await wire(first);
  peer.send("one");
  co_await until([&] { return first->received != ""; });
  peer.send("two");
  co_await until([&] { return second->received != ""; });
}

PARITY(set_protocol_in_get_buffer) {
  const auto first = buffered(1000, "first");
  const auto second = buffered(1000, "second");
  first->on_get = [&] { first->transport.set_protocol(second); };
  Peer peer = co_await wire(first);
  peer.send(std::string(200, 'x'));
  co_await settle();
  say(first->received.size(), second->received.size());
}

PARITY(what_is_known_of_a_socketpair) {
  const auto ours = recorder();
  co_await wire(ours);
  const auto sock = ours->transport.get_extra_info<TransportSocket>("socket");
  say(sock.fileno() >= 0);
  say(ours->transport.get_extra_info("no such thing", 42));
  ours->transport.close();
  co_await until([&] { return ours->lost; });
  co_await settle();
  say(sock.fileno());
}

PARITY(what_is_known_after_the_end) {
  const auto theirs = recorder("theirs");
  const auto ours = recorder();
  const auto server = co_await serve(theirs);
  const auto address = server.sockets()[0].getsockname();
  co_await dial(ours, server_port(server));
  const auto info = [&](const char* key) {
    return ours->transport.get_extra_info(key);
  };
  say(info("peername") == address);
  const auto sockname = info("sockname");
  ours->transport.close();
  co_await until([&] { return theirs->lost; });
  co_await settle();
  say(info("peername") == address, info("sockname") == sockname);
  server.close();
}

PARITY(the_peer_resets) {
  const auto ours = recorder();
  const auto server = co_await serve(ours);
  Peer peer = connect_raw(server_port(server));
  co_await until([&] { return ours->made; });
  peer.reset();
  co_await until([&] { return ours->lost; });
  server.close();
}

PARITY(the_peer_resets_a_buffered_protocol) {
  const auto ours = buffered(10);
  const auto server = co_await serve(ours);
  Peer peer = connect_raw(server_port(server));
  co_await until([&] { return ours->made; });
  peer.reset();
  co_await until([&] { return ours->lost; });
  server.close();
}

PARITY(write_to_one_that_is_gone) {
  const auto ours = recorder();
  Peer peer = co_await wire(ours);
  ours->transport.pause_reading();
  peer.close();
  ours->transport.write("x");
  say(ours->transport.is_closing(), ours->lost);
  ours->transport.write("y");
  co_await until([&] { return ours->lost; });
}

PARITY(write_in_data_received_to_one_that_is_gone) {
  const auto ours = recorder();
  ours->on_data = [&] { ours->transport.write("answer"); };
  Peer peer = co_await wire(ours);
  peer.send("question");
  peer.close();
  co_await until([&] { return ours->lost; });
}

PARITY(the_last_handle_is_dropped_in_data_received) {
  const auto ours = recorder();

  const auto drop = [&] { ours->transport = Transport(); };

  ours->on_data = drop;
  Peer peer = co_await wire(ours);
  peer.send("one");
  co_await until([&] { return ours->received != ""; });
  peer.send("two");
  co_await until([&] { return ours->received == "onetwo"; });
  peer.close();
  co_await until([&] { return ours->lost; });
}

PARITY(two_transports_take_turns) {
  const auto one = recorder("one");
  const auto two = recorder("two");
  Peer here = co_await wire(one);
  Peer there = co_await wire(two);
  for (std::size_t i = 0; i < 2; ++i) {
    here.send("x");
    co_await until([&] { return one->received.size() > i; });
    there.send("x");
    co_await until([&] { return two->received.size() > i; });
  }
  two->transport.close();
  one->transport.close();
  co_await settle();
}

PARITY(two_transports_talk) {
  const auto one = recorder("one");
  const auto two = recorder("two");
  const auto [here, there] = stream_pair();
  co_await connect(one, here);
  co_await connect(two, there);
  one->on_data = [&] { one->transport.close(); };
  two->on_data = [&] { two->transport.write("pong"); };
  one->transport.write("ping");
  co_await until([&] { return two->lost; });
}

PARITY(one_closes_the_other) {
  const auto one = recorder("one");
  const auto two = recorder("two");
  Peer peer = co_await wire(one);
  co_await wire(two);
  one->on_data = [&] { two->transport.close(); };
  two->on_lost = [&] { one->transport.close(); };
  peer.send("x");
  co_await until([&] { return one->lost; });
}

PARITY(connecting_is_cancelled) {
  const auto ours = recorder();
  const auto [here, there] = stream_pair();
  const auto connecting = create_task(connect(ours, here));
  co_await sleep(0s);
  connecting.cancel();
  try {
    co_await connecting;
  } catch (const CancelledError&) {
    say(name(std::current_exception()), ours->made);
  }
  co_await until([&] { return ours->lost; });
  Peer peer = Peer(there);
  say("[" + co_await until_end(peer) + "]");
}

PARITY(connecting_is_cancelled_in_connection_made) {
  const auto ours = recorder();
  const auto [here, there] = stream_pair();
  const auto connecting = create_task(connect(ours, here));
  ours->on_made = [&] { connecting.cancel(); };
  try {
    co_await connecting;
  } catch (const CancelledError&) {
    say(name(std::current_exception()), ours->transport.is_closing());
  }
  co_await until([&] { return ours->lost; });
  Peer peer = Peer(there);
  say("[" + co_await until_end(peer) + "]");
}

PARITY_PLAIN(stop_in_data_received) {
  EventLoop loop;
  prepare(loop);
  const auto ours = recorder();
  Peer peer = loop.run_until_complete(wire(ours));
  ours->on_data = [&] { loop.stop(); };
  peer.send("one");
  loop.run_forever();
  say("stopped");
  peer.send("two");
  loop.run_forever();
  say("stopped");
  ours->transport.close();
  ours->on_lost = [&] { loop.stop(); };
  loop.run_forever();
  loop.close();
}

PARITY_PLAIN(stop_in_connection_made) {
  EventLoop loop;
  prepare(loop);
  const auto ours = recorder();
  ours->on_made = [&] { loop.stop(); };
  try {
    loop.run_until_complete(wire(ours));
  } catch (const std::runtime_error&) {
    say("stopped", ours->made);
  }
  ours->on_lost = [&] { loop.stop(); };
  ours->transport.close();
  loop.run_forever();
  loop.close();
}

PARITY_PLAIN(stop_in_connection_lost) {
  EventLoop loop;
  prepare(loop);
  const auto ours = recorder();
  Peer peer = loop.run_until_complete(wire(ours));
  ours->on_lost = [&] { loop.stop(); };
  peer.close();
  loop.run_forever();
  say("stopped", ours->transport.get_protocol() == nullptr);
  loop.close();
}

PARITY_PLAIN(a_keyboard_interrupt_in_data_received) {
  EventLoop loop;
  prepare(loop);
  const auto ours = recorder();
  Peer peer = loop.run_until_complete(wire(ours));

  const auto interrupt = [&] { throw KeyboardInterrupt(); };

  ours->on_data = interrupt;
  peer.send("one");
  try {
    loop.run_forever();
  } catch (const KeyboardInterrupt&) {
    say("interrupted", ours->transport.is_closing());
  }
  ours->on_data = [&] { loop.stop(); };
  peer.send("two");
  loop.run_forever();
  ours->on_lost = [&] { loop.stop(); };
  ours->transport.close();
  loop.run_forever();
  loop.close();
}

PARITY_PLAIN(the_loop_closes_first) {
  EventLoop loop;
  prepare(loop);
  const auto ours = recorder();
  Peer peer = loop.run_until_complete(wire(ours));
  ours->transport.write("sent");
  loop.close();
  say("closed", ours->lost);
  ours->transport = Transport();
  say(peer.receive(), peer.ended);
}

PARITY_PLAIN(the_loop_closes_before_connection_lost) {
  EventLoop loop;
  prepare(loop);
  const auto ours = recorder();
  loop.run_until_complete(wire(ours));
  ours->transport.close();
  loop.close();
  say("closed", ours->lost, ours->transport.is_closing());
}
