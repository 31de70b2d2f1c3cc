// All of it, as by `import asyncio`. (CPython: Lib/asyncio/__init__.py)
#pragma once

#include "async_with.hpp"
#include "concurrent_futures.hpp"
#include "coroutines.hpp"
#include "event_loop.hpp"
#include "exceptions.hpp"
#include "futures.hpp"
#include "generator.hpp"
#include "mailbox.hpp"
#include "runners.hpp"
#include "selectors.hpp"
#include "sockets.hpp"
#include "taskgroups.hpp"
#include "tasks.hpp"
#include "threads.hpp"
#include "timeouts.hpp"
