"""A test case that hangs is ended, and named, long before ctest would: in every
build that is tested."""

import os
import signal
import unittest

import support
from support import call


class WatchdogTest(unittest.TestCase):
    def test_it_ends_a_test_case_that_hangs(self):
        tests = support.BUILD_BIN.parent / "tests" / "common_tests"
        if not tests.is_file():
            self.skipTest("common_tests is not built")
        status, _, err = call(
            tests, "--no-skip", "--test-case=waits for ever", timeout=30,
            env={**os.environ, "ASYNCIO_PATIENCE": "1"})
        self.assertEqual(status, -signal.SIGABRT, err)
        self.assertRegex(err, r'testing.cpp:\d+: "waits for ever" hangs\n')


if __name__ == "__main__":
    unittest.main()
