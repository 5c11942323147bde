// SPDX-License-Identifier: Apache-2.0
// The one translation unit that holds Asio's own code (ASIO_SEPARATE_COMPILATION): every other file
// that uses a coroutine then compiles in a third less time.
#include "resolve/loop.h" // first: see there

#include <asio/impl/src.hpp>
