#pragma once

#include "coroutines.hpp"
#include "event_loop.hpp"
#include "generator.hpp"
#include "selectors.hpp"
#include "sockets.hpp"
