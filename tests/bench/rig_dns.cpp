// SPDX-License-Identifier: Apache-2.0

// A name server for look-ups that nobody has made before: every name is answered by rule, as a
// validating resolver would for signed zones. rig_dns ADDRESS PORT POLICY-ADDRESS
//
//   DOMAIN                 MX    10 mx.DOMAIN
//   mx.DOMAIN              A     127.0.30.1; no AAAA
//   _mta-sts.DOMAIN        TXT   "v=STSv1; id=1;", where DOMAIN begins with d
//   mta-sts.DOMAIN         A     POLICY-ADDRESS, likewise
//   _25._tcp.mx.DOMAIN     does not exist
//
// A line on standard input is answered by the number of questions so far.

#include "bench.h"

#include <array>
#include <atomic>
#include <cstring>
#include <iostream>
#include <thread>

namespace {

using bench::fail;

constexpr std::uint16_t a = 1, soa = 6, mx = 15, txt = 16;
std::atomic<std::uint64_t> questions{0}; // NOLINT: a program of one file

void put16(std::string& out, unsigned value) {
    out += static_cast<char>(value >> 8U);
    out += static_cast<char>(value);
}

std::string wire(std::string_view name) {
    std::string out;
    while (!name.empty()) {
        const auto label = name.substr(0, name.find('.'));
        out += static_cast<char>(label.size());
        out += label;
        name.remove_prefix(std::min(name.size(), label.size() + 1));
    }
    return out + '\0';
}

std::string address(const char* text) {
    in_addr octets{};
    ::inet_pton(AF_INET, text, &octets);
    return {reinterpret_cast<const char*>(&octets), sizeof octets};
}

std::string start_of_authority() {
    std::string out = wire("ns.example") + wire("hostmaster.example");
    for (const unsigned value : {1U, 3600U, 600U, 86400U, 300U}) {
        put16(out, value >> 16U);
        put16(out, value & 0xffffU);
    }
    return out;
}

// One record's data; empty: there is none of that type, or no such name.
struct Found {
    bool exists = true;
    std::string data;
};

Found look(std::string_view name, unsigned type, const std::string& policy_address) {
    const auto below = [&](std::string_view prefix) {
        return name.starts_with(prefix) ? name.substr(prefix.size()) : std::string_view();
    };
    if (name.empty())
        return {true, type == soa ? start_of_authority() : ""};
    if (name.starts_with("_25._tcp."))
        return {false, ""};
    if (const auto domain = below("_mta-sts."); !domain.empty()) {
        const std::string text = "v=STSv1; id=1;";
        const bool there = domain.front() == 'd';
        return {there, there && type == txt ? static_cast<char>(text.size()) + text : ""};
    }
    if (const auto domain = below("mta-sts."); !domain.empty())
        return {domain.front() == 'd', domain.front() == 'd' && type == a ? policy_address : ""};
    if (name.starts_with("mx."))
        return {true, type == a ? address("127.0.30.1") : ""};
    std::string data;
    if (type == mx) {
        put16(data, 10);
        data += wire("mx." + std::string(name));
    }
    return {true, data};
}

// Empty: not a question.
std::string answer(std::string_view question, const std::string& policy_address) {
    constexpr std::size_t header = 12;
    std::string name;
    std::size_t at = header;
    for (; at < question.size() && question[at] != 0;) {
        const auto length = static_cast<unsigned char>(question[at]);
        if (length > 63 || at + 1 + length >= question.size())
            return {};
        name.append(name.empty() ? "" : ".").append(question.substr(at + 1, length));
        at += 1U + length;
    }
    const std::size_t end = at + 5;
    if (end > question.size())
        return {};
    for (char& c : name)
        c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    const auto octet = [&](std::size_t i) { return static_cast<unsigned char>(question[i]); };
    const unsigned type = octet(end - 4) * 256U + octet(end - 3);
    const Found found = look(name, type, policy_address);
    const bool denial = found.data.empty();

    std::string out(question.substr(0, 2));         // the number
    put16(out, 0x81a0U | (found.exists ? 0U : 3U)); // QR, RD, RA, AD
    for (const unsigned count : {1U, denial ? 0U : 1U, denial ? 1U : 0U, 0U})
        put16(out, count);
    out += question.substr(header, end - header);
    const std::string data = denial ? start_of_authority() : found.data;
    if (denial)
        out += '\0'; // of the root
    else
        put16(out, 0xc00c); // the name of the question
    put16(out, denial ? soa : type);
    put16(out, 1);
    put16(out, 0);
    put16(out, denial ? 300 : 3600);
    put16(out, static_cast<unsigned>(data.size()));
    return out + data;
}

} // namespace

int main(int count, char** words) {
    if (count < 4)
        return 64;
    const std::string policy_address = address(words[3]);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(static_cast<std::uint16_t>(std::stoi(words[2])));
    ::inet_pton(AF_INET, words[1], &at.sin_addr);
    const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const int octets = 4 << 20;
    ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &octets, sizeof octets);
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0)
        fail(std::string("cannot bind: ") + std::strerror(errno));
    std::thread([&] {
        std::array<char, 1500> packet{};
        for (;;) {
            sockaddr_in from{};
            socklen_t size = sizeof from;
            const ssize_t got = ::recvfrom(fd, packet.data(), packet.size(), 0,
                                           reinterpret_cast<sockaddr*>(&from), &size);
            if (got <= 0)
                continue;
            ++questions;
            const std::string out =
                answer({packet.data(), static_cast<std::size_t>(got)}, policy_address);
            if (!out.empty())
                ::sendto(fd, out.data(), out.size(), 0, reinterpret_cast<const sockaddr*>(&from),
                         size);
        }
    }).detach();
    std::puts("serves");
    std::fflush(stdout);
    for (std::string line; std::getline(std::cin, line);)
        std::cout << questions << std::endl;
    std::_Exit(0);
}
