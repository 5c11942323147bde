// SPDX-License-Identifier: Apache-2.0
#pragma once

// The event loop: the only place that includes Asio. Coroutines are asio::awaitable<T>.
//
// Two pitfalls of g++ 12 to keep in mind wherever co_await stands: an aggregate temporary in its
// argument is destroyed twice, and a braced list of objects does not compile. Give types that
// travel a constructor, and name lists first.

// Asio 1.22 asks libstdc++'s macros whether there is aligned_alloc, and does not see to it that
// they are there: a file that came to Asio before any standard header would free with another
// function than the others allocate with. Hence this header, and nothing but it, includes Asio.
#include <cstdlib>

#include <asio/awaitable.hpp>
#include <asio/basic_socket_acceptor.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/generic/stream_protocol.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/address.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>
#include <asio/read_until.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
