#include "common/plus42.hpp"

#include <string>

#include "common/testing.hpp"

TEST_CASE("a number is answered by 42 more") {
  Plus42 client;
  CHECK(client.feed("12\n") == "54\n");
  CHECK(client.feed("0\n-42\n-43\n+7\n") == "42\n0\n-1\n49\n");
  CHECK(client.feed("9223372036854775765\n") == "9223372036854775807\n");
  CHECK(client.feed("-9223372036854775808\n") == "-9223372036854775766\n");
}

TEST_CASE("a line may come in pieces, and several at once") {
  Plus42 client;
  CHECK(client.feed("1") == "");
  CHECK(client.feed("2\n3") == "54\n");
  CHECK(client.feed("") == "");
  CHECK(client.feed("\n4\n") == "45\n46\n");
}

TEST_CASE("blanks around a number and CR before LF are accepted") {
  Plus42 client;
  CHECK(client.feed(" 12\t\r\n") == "54\n");
  CHECK(client.feed("1 2\n") == "error: not a number\n");
}

TEST_CASE("anything else is an error of one line") {
  Plus42 client;
  for (const char* line :
       {"\n", "  \n", "x\n", "12x\n", "+\n", "-\n", "+-1\n", "--1\n", "0x10\n",
        "1.5\n", "1e3\n", "\r\r\n"}) {
    CAPTURE(line);
    CHECK(client.feed(line) == "error: not a number\n");
  }
  CHECK(client.feed({"1\0002\n", 4}) == "error: not a number\n");
}

TEST_CASE("what 64 bits cannot hold is out of range") {
  Plus42 client;
  for (const char* line :
       {"9223372036854775766\n", "9223372036854775808\n",
        "-9223372036854775809\n", "99999999999999999999999\n"}) {
    CAPTURE(line);
    CHECK(client.feed(line) == "error: out of range\n");
  }
}

TEST_CASE("a line that is too long is one error, and skipped") {
  const std::string longest(Plus42::longest_line, '1');
  Plus42 client;
  CHECK(client.feed(longest + "\n") == "error: out of range\n");
  CHECK(client.feed(longest + "1\n5\n") == "error: line too long\n47\n");
  CHECK(client.feed(longest) == "");
  CHECK(client.feed("1") == "error: line too long\n");
  for (int i = 0; i < 100; ++i) {
    CHECK(client.feed(longest) == "");
  }
  CHECK(client.feed("\n5\n") == "47\n");
}

TEST_CASE("how the bytes are cut makes no difference") {
  const std::string bytes =
      "1\n\n22\r\n" + std::string(5000, '9') + "\nx\n  8 \n7";
  const auto whole = Plus42{}.feed(bytes);
  CHECK(
      whole ==
      "43\nerror: not a number\n64\nerror: line too long\n"
      "error: not a number\n50\n"
  );
  for (const std::size_t size : {1, 2, 3, 4096, 4097}) {
    Plus42 client;
    std::string replies;
    for (std::size_t at = 0; at < bytes.size(); at += size) {
      replies += client.feed(std::string_view{bytes}.substr(at, size));
    }
    CHECK(replies == whole);
  }
}
