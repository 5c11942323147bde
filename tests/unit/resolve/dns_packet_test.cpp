// SPDX-License-Identifier: Apache-2.0
#include "resolve/dns_packet.h"

#include "support/dns_message.h"

#include <gtest/gtest.h>

namespace surehop {
namespace {

using test::a_rdata;
using test::aaaa_rdata;
using test::DnsMessage;
using test::mx_rdata;
using test::soa_rdata;
using test::txt_rdata;
using test::wire_name;

constexpr unsigned type_soa = 6;
const Question mx_question("example.org", RrType::mx);

Bytes operator+(Bytes a, const Bytes& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

DnsAnswer read(const DnsMessage& message, const Question& question = mx_question) {
    return read_dns_answer(message.bytes(), question);
}

template <class T> const T& only(const DnsAnswer& answer) {
    EXPECT_EQ(answer.status, DnsStatus::answer);
    EXPECT_EQ(answer.records.size(), 1U);
    return std::get<T>(answer.records.at(0).data);
}

TEST(DnsPacket, ReadsEachTypeThatIsUsed) {
    const std::string name = "example.org";
    const auto one = [&](RrType type, const Bytes& rdata) {
        return read(DnsMessage(name, type).answer(name, type, 60, rdata), Question(name, type));
    };
    EXPECT_EQ(only<DnsRecord::Address>(one(RrType::a, a_rdata("192.0.2.1"))).text, "192.0.2.1");
    EXPECT_EQ(only<DnsRecord::Address>(one(RrType::aaaa, aaaa_rdata("2001:db8::1"))).text,
              "2001:db8::1");
    EXPECT_EQ(only<DnsRecord::Cname>(one(RrType::cname, wire_name("Other.Example"))).target,
              "other.example");
    EXPECT_EQ(only<DnsRecord::Text>(one(RrType::txt, txt_rdata({"v=STSv1; i", "d=a"}))).text,
              "v=STSv1; id=a");
    EXPECT_EQ(only<DnsRecord::Text>(one(RrType::txt, txt_rdata({""}))).text, "");
    EXPECT_EQ(only<DnsRecord::Raw>(one(RrType::tlsa, {3, 1, 1, 0xab})).rdata,
              (Bytes{3, 1, 1, 0xab}));
    EXPECT_EQ(only<DnsRecord::Raw>(one(RrType::soa, soa_rdata(5))).rdata, soa_rdata(5));
    const DnsAnswer mx = one(RrType::mx, mx_rdata(10, "MX1.example.ORG"));
    EXPECT_EQ(only<MxRecord>(mx).preference, 10);
    EXPECT_EQ(only<MxRecord>(mx).exchange, "mx1.example.org");
    EXPECT_EQ(mx.records[0].owner, name);
    EXPECT_EQ(only<MxRecord>(one(RrType::mx, mx_rdata(0, ""))).exchange, ""); // null MX
}

TEST(DnsPacket, QuestionMayDifferInCaseOnly) {
    const Bytes rdata = mx_rdata(10, "mx.example.org");
    EXPECT_EQ(
        read(DnsMessage("EXAMPLE.org", RrType::mx).answer("eXample.org", RrType::mx, 1, rdata))
            .status,
        DnsStatus::answer);
    struct {
        const char* why;
        DnsMessage message;
    } const bad[] = {
        {"another name", DnsMessage("example.net", RrType::mx)},
        {"the parent", DnsMessage("org", RrType::mx)},
        {"another type", DnsMessage("example.org", RrType::a)},
        {"another class", DnsMessage("example.org", RrType::mx, 3)},
        {"two questions", DnsMessage("example.org", RrType::mx)
                              .question(wire_name("example.org") + Bytes{0, 15, 0, 1})},
        {"no question counted", DnsMessage("example.org", RrType::mx).count(0, 0)},
    };
    for (const auto& row : bad)
        EXPECT_EQ(read(row.message).status, DnsStatus::malformed) << row.why;
    EXPECT_EQ(read(DnsMessage("", RrType::soa).answer("", RrType::soa, 1, soa_rdata(1)),
                   Question("", RrType::soa))
                  .status,
              DnsStatus::answer);
}

TEST(DnsPacket, StatusFromRcodeAndSections) {
    const Bytes alias = wire_name("other.example"), ns = wire_name("ns.example");
    const Bytes rdata = mx_rdata(10, "mx.example.org");
    const auto message = [] { return DnsMessage("example.org", RrType::mx); };
    const auto soa = [&] { return message().authority("example.org", type_soa, 60, soa_rdata(9)); };
    struct {
        const char* what;
        DnsMessage message;
        DnsStatus status;
    } const table[] = {
        {"NODATA with SOA", soa(), DnsStatus::no_data},
        {"NODATA with SOA and NS", soa().authority("example.org", test::type_ns, 60, ns),
         DnsStatus::no_data},
        {"NODATA, bare", message(), DnsStatus::no_data},
        {"referral", message().authority("org", test::type_ns, 60, ns), DnsStatus::refused},
        {"alias, then referral",
         message()
             .answer("example.org", RrType::cname, 60, alias)
             .authority("example", test::type_ns, 60, ns),
         DnsStatus::refused},
        {"answer with NS beside it",
         message()
             .answer("example.org", RrType::mx, 60, rdata)
             .authority("org", test::type_ns, 60, ns),
         DnsStatus::answer},
        {"alias to nowhere", message().answer("example.org", RrType::cname, 60, alias),
         DnsStatus::answer},
        {"alias to NXDOMAIN", soa().answer("example.org", RrType::cname, 60, alias).rcode(3),
         DnsStatus::no_name},
        {"NXDOMAIN", soa().rcode(3), DnsStatus::no_name},
        {"NXDOMAIN with the record",
         message().answer("example.org", RrType::mx, 60, rdata).rcode(3), DnsStatus::malformed},
        {"only records beside the point", message().answer(wire_name("example.org"), 46, 60, {1}),
         DnsStatus::malformed},
        {"another class", message().answer(wire_name("example.org"), 15, 60, rdata, 3),
         DnsStatus::malformed},
        {"SERVFAIL", message().rcode(2), DnsStatus::servfail},
        {"SERVFAIL with EDNS", message().rcode(2).edns(), DnsStatus::servfail},
        {"FORMERR", message().rcode(1), DnsStatus::refused},
        {"NOTIMP", message().rcode(4), DnsStatus::refused},
        {"REFUSED", message().rcode(5), DnsStatus::refused},
        {"NOERROR with EDNS", message().edns(), DnsStatus::no_data},
        {"BADVERS looks like NODATA", message().edns(1), DnsStatus::refused},
        {"extended, low bits NXDOMAIN", message().rcode(3).edns(1), DnsStatus::refused},
        {"extended, low bits SERVFAIL", message().rcode(2).edns(1), DnsStatus::refused},
    };
    for (const auto& row : table)
        EXPECT_EQ(read(row.message).status, row.status) << row.what;
}

TEST(DnsPacket, OnlyWhatWasAskedForAndAliasesComeOut) {
    const DnsAnswer answer =
        read(DnsMessage("_25._tcp.mx.example", RrType::tlsa)
                 .answer("_25._tcp.mx.example", RrType::cname, 60, wire_name("tlsa.example"))
                 .answer("tlsa.example", RrType::soa, 1, soa_rdata(1)) // would be Raw as well
                 .answer("tlsa.example", RrType::tlsa, 50, {3, 1, 1})
                 .answer(wire_name("tlsa.example"), test::type_rrsig, 2, Bytes(40)),
             Question("_25._tcp.mx.example", RrType::tlsa));
    ASSERT_EQ(answer.records.size(), 2U);
    EXPECT_EQ(answer.records[0].owner, "_25._tcp.mx.example");
    EXPECT_EQ(std::get<DnsRecord::Cname>(answer.records[0].data).target, "tlsa.example");
    EXPECT_EQ(answer.records[1].owner, "tlsa.example");
    EXPECT_EQ(std::get<DnsRecord::Raw>(answer.records[1].data).rdata, (Bytes{3, 1, 1}));
    EXPECT_EQ(answer.ttl, 50U);
}

TEST(DnsPacket, TimeToLive) {
    const Bytes rdata = mx_rdata(10, "mx.example.org"), alias = wire_name("other.example");
    const auto message = [] { return DnsMessage("example.org", RrType::mx); };
    const auto denied = [&](std::uint32_t ttl, std::uint32_t minimum) {
        return message().authority("example.org", type_soa, ttl, soa_rdata(minimum));
    };
    struct {
        const char* what;
        DnsMessage message;
        std::uint32_t ttl;
    } const table[] = {
        {"smallest",
         message()
             .answer("example.org", RrType::mx, 300, rdata)
             .answer("example.org", RrType::mx, 200, rdata),
         200},
        {"alias counts",
         message()
             .answer("example.org", RrType::cname, 5, alias)
             .answer("other.example", RrType::mx, 200, rdata),
         5},
        {"answer, SOA does not count", denied(1, 1).answer("example.org", RrType::mx, 300, rdata),
         300},
        {"RFC 2308 §5: TTL", denied(60, 3600), 60},
        {"RFC 2308 §5: MINIMUM", denied(3600, 70), 70},
        {"NXDOMAIN", denied(3600, 80).rcode(3), 80},
        {"denial of the target", denied(3600, 90).answer("example.org", RrType::cname, 40, alias),
         40},
        {"denial without SOA", message(), 0},
        {"RFC 2181 §8", message().answer("example.org", RrType::mx, 0x80000000U, rdata), 0},
        {"largest", message().answer("example.org", RrType::mx, 0x7fffffffU, rdata), 0x7fffffffU},
        {"RFC 2181 §8 in a denial", denied(0x80000000U, 70), 0},
    };
    for (const auto& row : table)
        EXPECT_EQ(read(row.message).ttl, row.ttl) << row.what;
}

TEST(DnsPacket, AuthenticIsTheAdBit) {
    EXPECT_FALSE(read(DnsMessage("example.org", RrType::mx)).authentic);
    EXPECT_TRUE(read(DnsMessage("example.org", RrType::mx).authentic()).authentic);
    EXPECT_FALSE(read(DnsMessage("example.org", RrType::mx).flags(0x0010U)).authentic); // CD
    EXPECT_FALSE(read(DnsMessage("example.net", RrType::mx).authentic()).authentic);    // malformed
}

TEST(DnsPacket, OddOctetsOfNamesAreEscaped) {
    struct {
        Bytes label;
        const char* text;
    } const table[] = {
        {{'A', 'z', '0', '-', '_'}, "az0-_"},
        {{'a', '.', 'b'}, "a\\046b"},
        {{'a', '\\'}, "a\\092"},
        {{0}, "\\000"},
        {{' ', '\n', 0x7f}, "\\032\\010\\127"},
        {{0xc3, 0xbc}, "\\195\\188"},
        {{'*'}, "\\042"},
        {{'<', '"', '>'}, "\\060\\034\\062"},
    };
    for (const auto& row : table) {
        const Bytes exchange =
            Bytes{static_cast<std::uint8_t>(row.label.size())} + row.label + wire_name("example");
        const DnsAnswer answer =
            read(DnsMessage("example.org", RrType::mx)
                     .answer("example.org", RrType::mx, 1, Bytes{0, 1} + exchange));
        EXPECT_EQ(only<MxRecord>(answer).exchange, std::string(row.text) + ".example");
    }
}

TEST(DnsPacket, Compression) {
    // The question's name starts at 12; "org" in it at 20.
    const auto message = [](const Bytes& exchange) {
        return DnsMessage("example.org", RrType::mx)
            .answer(Bytes{0xc0, 12}, 15, 1, Bytes{0, 1} + exchange);
    };
    const DnsAnswer answer = read(message({2, 'm', 'x', 0xc0, 20}));
    EXPECT_EQ(answer.records.at(0).owner, "example.org");
    EXPECT_EQ(only<MxRecord>(answer).exchange, "mx.org");

    // The exchange itself starts at 12 + 17 (question) + 12 (owner to RDLENGTH) + 2 = 43.
    const Bytes deep =
        [] { // 60 octets of name, then a pointer to where it starts: too long unrolled
            Bytes name;
            for (int i = 0; i < 4; ++i)
                name = name + Bytes{60} + Bytes(60, 'x');
            return name;
        }();
    struct {
        const char* why;
        Bytes exchange;
    } const bad[] = {
        {"to itself", {0xc0, 43}},
        {"to the start of its own name", {1, 'a', 0xc0, 43}},
        {"forward", {0xc0, 60}},
        {"beyond the packet", {0xff, 0xff}},
        {"into the header", {0xc0, 0}},
        {"into the header", {0xc0, 11}},
        {"half a pointer", {0xc0}},
        {"reserved label type 01", {0x41, 'a', 0}},
        {"reserved label type 10", {0x81, 'a', 0}},
        {"longer than 255 octets", deep + Bytes{0xc0, 12}},
        {"no end", {1, 'a'}},
        {"label beyond the packet", {63, 'a'}},
        {"RDATA longer than the name", {0, 0}},
        {"empty RDATA", {}},
    };
    for (const auto& row : bad)
        EXPECT_EQ(read(message(row.exchange)).status, DnsStatus::malformed) << row.why;
}

TEST(DnsPacket, NamesOfExactly255OctetsAreRead) {
    // 12 octets of "example.org" less its end are not counted: 3*64 + 62 + 1 = 255.
    const auto name = [](std::size_t last) {
        Bytes octets;
        for (int i = 0; i < 3; ++i)
            octets = octets + Bytes{63} + Bytes(63, 'x');
        return octets + Bytes{static_cast<std::uint8_t>(last)} + Bytes(last, 'y') + Bytes{0};
    };
    const auto message = [&](std::size_t last) {
        return DnsMessage("example.org", RrType::mx)
            .answer("example.org", RrType::mx, 1, Bytes{0, 1} + name(last));
    };
    EXPECT_EQ(name(61).size(), 255U);
    EXPECT_EQ(only<MxRecord>(read(message(61))).exchange.size(), 253U);
    EXPECT_EQ(read(message(62)).status, DnsStatus::malformed);
}

TEST(DnsPacket, LongChainsOfPointersAreRefused) {
    // In an unknown record's data: 200 pointers, each to the one before, the first to the question.
    const std::size_t start = 12 + 17 + 12;
    Bytes chain{0xc0, 12};
    for (std::size_t i = 1; i < 200; ++i) {
        const std::size_t to = start + 2 * (i - 1);
        chain = chain +
                Bytes{static_cast<std::uint8_t>(0xc0U | to >> 8U), static_cast<std::uint8_t>(to)};
    }
    const auto message = [&](std::size_t link) {
        const std::size_t to = start + 2 * link;
        return DnsMessage("example.org", RrType::mx)
            .answer(Bytes{0xc0, 12}, 99, 1, chain)
            .answer(Bytes{0xc0, 12}, 15, 1,
                    Bytes{0, 1, static_cast<std::uint8_t>(0xc0U | to >> 8U),
                          static_cast<std::uint8_t>(to)});
    };
    EXPECT_EQ(only<MxRecord>(read(message(100))).exchange, "example.org");
    EXPECT_EQ(read(message(199)).status, DnsStatus::malformed);
}

TEST(DnsPacket, BrokenPacketsAreMalformed) {
    const Bytes rdata = mx_rdata(10, "mx.example.org");
    const auto message = [] { return DnsMessage("example.org", RrType::mx); };
    struct {
        const char* why;
        DnsMessage message;
    } const bad[] = {
        {"a query", message().flags(0, 0x8000U)},
        {"another opcode", message().flags(0x2800U)},
        {"truncated", message().answer("example.org", RrType::mx, 1, rdata).truncated()},
        {"more answers than there are", message().count(1, 1)},
        {"more authority than there is", message().count(2, 1)},
        {"more additional than there is", message().count(3, 1)},
        {"fewer answers than there are",
         message().answer("example.org", RrType::mx, 1, rdata).count(1, 0)},
        {"too many answers", message().count(1, 501)},
        {"octets at the end", message().tail({0})},
        {"two OPT records", message().edns().edns()},
        {"OPT with a name", message().additional(wire_name("x"), test::type_opt, 1232, 0, {})},
        {"SOA too short", message().authority("example.org", type_soa, 1, {0, 0, 1})},
        {"SOA too long", message().authority("example.org", type_soa, 1, soa_rdata(1) + Bytes{0})},
    };
    for (const auto& row : bad)
        EXPECT_EQ(read(row.message).status, DnsStatus::malformed) << row.why;

    struct {
        const char* why;
        RrType type;
        Bytes rdata;
    } const broken[] = {
        {"A of 3 octets", RrType::a, {1, 2, 3}},
        {"A of 5 octets", RrType::a, {1, 2, 3, 4, 5}},
        {"AAAA of 4 octets", RrType::aaaa, {1, 2, 3, 4}},
        {"TXT without a string", RrType::txt, {}},
        {"TXT string too long", RrType::txt, {3, 'a', 'b'}},
        {"CNAME of nothing", RrType::cname, {}},
        {"MX without exchange", RrType::mx, {0, 1}},
    };
    for (const auto& row : broken)
        EXPECT_EQ(read(DnsMessage("example.org", row.type)
                           .answer("example.org", row.type, 1, row.rdata)
                           .edns(),
                       Question("example.org", row.type))
                      .status,
                  DnsStatus::malformed)
            << row.why;
}

TEST(DnsPacket, EveryTruncationOfAGoodPacketIsMalformed) {
    const Bytes whole = DnsMessage("example.org", RrType::mx)
                            .answer("example.org", RrType::cname, 60, wire_name("other.example"))
                            .answer("other.example", RrType::mx, 60, mx_rdata(10, "mx.example"))
                            .authority("example", type_soa, 60, soa_rdata(60))
                            .edns()
                            .bytes();
    ASSERT_EQ(read_dns_answer(whole, mx_question).status, DnsStatus::answer);
    for (std::size_t size = 0; size < whole.size(); ++size)
        EXPECT_EQ(read_dns_answer(std::span(whole).first(size), mx_question).status,
                  DnsStatus::malformed)
            << size;
}

} // namespace
} // namespace surehop
