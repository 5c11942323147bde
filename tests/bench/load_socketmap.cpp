// SPDX-License-Identifier: Apache-2.0

// Asks a socketmap as the MTA does, one question after the other on each connection, and prints
// what it took, as one line of JSON.
//
//   --socket S --connections N --lookups N --map NAME --pattern P --domains N
//   --order turns|once     keys again and again, or each once, from --first N on
//   --expect TEXT          what each answer must begin with
//   --pid P                whose CPU time counts

#include "bench.h"

#include <atomic>
#include <thread>

int main(int count, char** words) {
    using namespace bench;
    const Options options(count, words);
    const std::string where = options.text("socket"), map = options.text("map", "postfix"),
                      pattern = options.text("pattern", "d%d.example"),
                      expect = options.text("expect", "OK ");
    const auto connections = options.number("connections", 1),
               lookups = options.number("lookups", 1000), domains = options.number("domains", 1000),
               first = options.number("first", 0), pid = options.number("pid", 0);
    const bool once = options.text("order", "turns") == "once";

    std::vector<Times> times(connections);
    std::atomic<std::uint64_t> next = 0, unexpected = 0;
    const double cpu_before = pid == 0 ? 0 : cpu_seconds(pid);
    const auto began = Clock::now();
    {
        std::vector<std::jthread> threads;
        for (std::uint64_t number = 0; number < connections; ++number)
            threads.emplace_back([&, number] {
                const int fd = connect_to(where);
                std::string in;
                for (std::uint64_t i; (i = next++) < lookups;) {
                    const std::string key =
                        map + " " + numbered(pattern, once ? first + i : i * 7919 % domains);
                    const auto asked = Clock::now();
                    write_all(fd, std::to_string(key.size()) + ":" + key + ",");
                    in.clear();
                    for (;;) {
                        char octets[4096];
                        const ssize_t got = ::read(fd, octets, sizeof octets);
                        if (got <= 0)
                            fail("the server has hung up");
                        in.append(octets, static_cast<std::size_t>(got));
                        const auto colon = in.find(':');
                        if (colon != std::string::npos &&
                            in.size() >= colon + 2 + std::stoull(in.substr(0, colon)))
                            break;
                    }
                    times[number].add(Clock::now() - asked);
                    if (in.compare(in.find(':') + 1, expect.size(), expect) != 0)
                        ++unexpected;
                }
                ::close(fd);
            });
    }
    const double took = std::chrono::duration<double>(Clock::now() - began).count();
    const double cpu = pid == 0 ? 0 : cpu_seconds(pid) - cpu_before;
    Times all;
    for (const Times& one : times)
        all.add(one);
    std::printf("{\"lookups_per_s\": %.1f, \"us\": %s, \"cpu_us\": %.2f, \"unexpected\": %llu}\n",
                static_cast<double>(lookups) / took, all.json().c_str(),
                cpu * 1e6 / static_cast<double>(lookups),
                static_cast<unsigned long long>(unexpected.load()));
    return unexpected == 0 ? 0 : 1;
}
