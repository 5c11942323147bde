// SPDX-License-Identifier: Apache-2.0
#include "socketmap/server.h"

#include "socketmap/netstring.h"
#include "support/run.h"
#include "support/world.h"

#include <asio/local/connect_pair.hpp>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace surehop::test {
namespace {

constexpr std::string_view zones = R"(
    zone dane.test signed
    dane.test               MX    10 mx.dane.test
    mx.dane.test            A     192.0.2.1
    _25._tcp.mx.dane.test   TLSA  3 1 1 key-a
    zone sts.test unsigned
    sts.test                MX    10 mx.sts.test
    mx.sts.test             A     192.0.2.2
    mta-sts.sts.test        A     192.0.2.3
    _mta-sts.sts.test       TXT   v=STSv1; id=1
    zone xn--bcher-kva.test signed
    xn--bcher-kva.test             MX    10 mx.dane.test
    zone bogus.test bogus
    zone none.test signed
    none.test               MX    10 mx.none.test
    mx.none.test            A     192.0.2.4
)";

constexpr const char* no_floor = R"(
    [mta]
    lock = "postfix"
    [policy]
    minimum = "none"
    mode = "enforce"
)";

class Socketmap : public ::testing::Test {
  protected:
    Socketmap() { world.https.serve("sts.test", policy_body("enforce", {"*.sts.test"})); }
    World world{zones};
};

TEST_F(Socketmap, Answers) {
    const std::string secure = "OK secure match=mx.sts.test servername=hostname";
    struct Row {
        const char* request;
        std::string answer; // its beginning, if it ends in "..."
    };
    const Row table[] = {
        {"postfix dane.test", "OK dane-only"},
        {"postfix310 dane.test", "OK dane-only"},
        {"postfix sts.test", secure + " protocols=!SSLv2:!SSLv3:!TLSv1:!TLSv1.1"},
        {"postfix310 sts.test", secure +
                                    " protocols=>=TLSv1.2 policy_type=sts policy_domain=sts.test "
                                    "mx_host_pattern=mx.sts.test ..."},
        {"sendmail sts.test", secure},
        // Postfix folds nothing: a key that is not normalised must find the policy all the same.
        {"postfix DANE.Test", "OK dane-only"},
        {"postfix dane.test.", "OK dane-only"},
        {"postfix dane.test:25", "OK dane-only"},
        {"postfix dane.test:smtp", "OK dane-only"},
        {"postfix [MX.dane.test]", "OK dane-only"},
        {"postfix b\xc3\xbc\x63her.test", "OK dane-only"},
        {"postfix xn--bcher-kva.test", "OK dane-only"},
        // A policy belongs to one next hop, never to what lies below it.
        {"postfix .test", "NOTFOUND "},
        {"postfix .dane.test", "NOTFOUND "},
        {"postfix .Test", "NOTFOUND "},
        {"postfix mx.dane.test", "OK dane-only"}, // a domain of its own, with an implicit MX
        {"postfix x.sts.test", "OK dane-only"},   // it does not exist; see Binding.NoMail
        // Under a minimum: what is not known, and what is not enough.
        {"postfix bogus.test", "TEMP authenticated is required, but its DNSSEC signatures..."},
        {"postfix none.test", "TEMP authenticated is required, but it publishes neither..."},
        {"postfix [192.0.2.9]", "TEMP authenticated is required, but for a bare address..."},
        {"sendmail dane.test", "TEMP ..."},
        // A key that cannot be read is never "not found".
        {"postfix ", "TEMP ..."},
        {"postfix a.test, b.test", "TEMP ..."},
        {"postfix a test", "TEMP ..."},
        {"postfix [dane.test", "TEMP ..."},
        {"postfix dane.test:0", "TEMP ..."},
        {"postfix a..test", "TEMP ..."},
        {"postfix \xff\xfe.test", "TEMP ..."},
        {"postfix 192.0.2.1", "TEMP ..."},
        // Not our map.
        {"postfix", "TEMP no map 'postfix' here..."},
        {"", "TEMP ..."},
        {" dane.test", "TEMP ..."},
        {"Postfix dane.test", "TEMP ..."},
        {"none dane.test", "TEMP ..."},
        {"virtual \x1b[31mx", "TEMP no map 'virtual' here..."},
    };
    for (const Row& row : table) {
        SCOPED_TRACE(row.request);
        const std::string answer = run(world.loop, world.process().socketmap.answer(row.request));
        const bool open_end = row.answer.ends_with("...");
        EXPECT_EQ(open_end ? answer.substr(0, row.answer.size() - 3) : answer,
                  open_end ? row.answer.substr(0, row.answer.size() - 3) : row.answer);
        EXPECT_EQ(answer.find_first_of("\r\n\x1b"), std::string::npos);
    }
}

TEST_F(Socketmap, WhereNothingIsDemanded) {
    world.configure(no_floor);
    EXPECT_EQ(world.lock("none.test"), "NOTFOUND ");
    EXPECT_EQ(world.lock("sts.test").substr(0, 10), "OK secure ");
    EXPECT_EQ(world.lock("dane.test", "sendmail"), "NOTFOUND ");
    EXPECT_EQ(world.lock("x.sts.test"), "NOTFOUND ") << "the MTA finds out by itself";
    // What cannot be looked up, and a policy that allows none of the hosts, must wait.
    EXPECT_EQ(world.lock("bogus.test"), "TEMP mail must wait: its DNSSEC signatures are not valid");
    world.https.serve("sts.test", policy_body("enforce", {"mx.other.test"}));
    world.clock.advance(std::chrono::days{1});
    EXPECT_EQ(world.lock("sts.test"),
              "TEMP mail must wait: its MTA-STS policy allows none of its MX hosts");
    EXPECT_EQ(world.lock("sts.test", "sendmail").substr(0, 4), "TEMP");
    // STS-33: a policy that cannot be had, and that was never had, is as if there were none.
    world.https.stop("sts.test");
    ASSERT_TRUE(*world.process().facts.forget("sts.test"));
    EXPECT_EQ(world.lock("sts.test"), "NOTFOUND ");
}

// ---- on the wire

class Wire : public Socketmap {
  protected:
    Wire() : ours_(world.loop) {
        asio::local::stream_protocol::socket a(world.loop), b(world.loop);
        asio::local::connect_pair(a, b);
        ours_ = StreamSocket(std::move(a));
        theirs_.emplace(std::move(b));
    }
    void serve(SocketmapLimits limits = {}) {
        server_ = std::make_unique<SocketmapServer>(
            world.gate(), world.clock, [this] { return world.site(); }, world.process().deferrals,
            world.process().measures, limits);
        asio::co_spawn(world.loop, server_->serve(std::move(*theirs_)),
                       [this](std::exception_ptr error) { ended = error ? 2 : 1; });
    }
    void send(std::string_view octets) { asio::write(ours_, asio::buffer(octets)); }

    // The next answer, or "" when we were hung up on.
    std::string answer() {
        const auto read = [this]() -> asio::awaitable<std::string> {
            for (;;) {
                if (auto text = reader_.next())
                    co_return *std::move(text);
                std::array<char, 512> buffer{};
                asio::error_code gone;
                const std::size_t count = co_await ours_.async_read_some(
                    asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, gone));
                if (gone)
                    co_return "";
                reader_.feed({buffer.data(), count});
            }
        };
        return run(world.loop, read());
    }
    void turn() {
        world.loop.restart();
        world.loop.poll();
    }
    void hang_up() { ours_.close(); }

    int ended = 0; // 1: well; 2: by an exception

  private:
    StreamSocket ours_;
    std::optional<StreamSocket> theirs_;
    std::unique_ptr<SocketmapServer> server_;
    NetstringReader reader_{1'000'000};
};

TEST_F(Wire, OneAfterTheOther) {
    serve();
    send("17:postfix dane.test,");
    EXPECT_EQ(answer(), "OK dane-only");
    send("13:postfix .test,");
    EXPECT_EQ(answer(), "NOTFOUND ");
    hang_up();
    turn();
    EXPECT_EQ(ended, 1);
}

TEST_F(Wire, Pipelined) {
    serve();
    std::string all;
    for (int i = 0; i < 500; ++i)
        all += to_netstring(i % 2 == 0 ? "postfix dane.test" : "postfix .test");
    send(all);
    for (int i = 0; i < 500; ++i)
        ASSERT_EQ(answer(), i % 2 == 0 ? "OK dane-only" : "NOTFOUND ") << i;
}

TEST_F(Wire, ByteByByte) {
    serve();
    for (const char c : std::string("17:postfix dane.test,")) {
        send({&c, 1});
        turn();
    }
    EXPECT_EQ(answer(), "OK dane-only");
}

TEST_F(Wire, GarbageIsHungUpOnAfterWhatCameBefore) {
    serve();
    send("17:postfix dane.test,GET / HTTP/1.0\r\n\r\n");
    EXPECT_EQ(answer(), "OK dane-only");
    EXPECT_EQ(answer(), "");
    EXPECT_EQ(ended, 1);
}

TEST_F(Wire, TooLongARequestIsHungUpOn) {
    serve();
    send("10001:");
    EXPECT_EQ(answer(), "");
}

TEST_F(Wire, SilenceIsHungUpOn) {
    SocketmapLimits limits;
    limits.silence = Millis{20};
    serve(limits);
    send("17:postfix dane");
    EXPECT_EQ(answer(), "");
    EXPECT_EQ(ended, 1);
}

TEST_F(Wire, PeerThatLeavesInTheMiddle) {
    serve();
    send("17:postfix dane");
    turn();
    hang_up();
    turn();
    EXPECT_EQ(ended, 1);
}

TEST_F(Wire, AnswersInTimeHoweverSlowTheDns) {
    SocketmapLimits limits;
    limits.wait = Millis{20};
    serve(limits);
    world.dns.hold();
    send("17:postfix dane.test,");
    EXPECT_EQ(answer(), "TEMP its protection is still being looked up");
    // The look-up went on, and the next question finds its result.
    world.dns.release();
    turn();
    send("17:postfix dane.test,");
    EXPECT_EQ(answer(), "OK dane-only");
}

TEST_F(Wire, SendmailHasLessPatience) {
    SocketmapLimits limits;
    limits.wait = Millis{60'000};
    limits.sendmail_wait = Millis{20};
    serve(limits);
    world.dns.hold();
    send("18:sendmail dane.test,");
    EXPECT_EQ(answer(), "TEMP its protection is still being looked up");
    EXPECT_EQ(SocketmapLimits().wait, Millis{8'000});
    EXPECT_EQ(SocketmapLimits().sendmail_wait, Millis{4'000});
}

// A question whose next hop must be learnt does not hold back the answers before it, and all that
// came together are answered in the time of one.
TEST_F(Wire, PipelinedBehindASlowOne) {
    EXPECT_EQ(world.lock("dane.test"), "OK dane-only");
    SocketmapLimits limits;
    limits.wait = Millis{150};
    serve(limits);
    world.dns.hold();
    std::string all = to_netstring("postfix dane.test");
    for (int i = 0; i < 20; ++i)
        all += to_netstring("postfix slow" + std::to_string(i) + ".test");
    const auto before = std::chrono::steady_clock::now();
    send(all);
    EXPECT_EQ(answer(), "OK dane-only");
    EXPECT_LT(std::chrono::steady_clock::now() - before, Millis{150});
    for (int i = 0; i < 20; ++i)
        EXPECT_EQ(answer(), "TEMP its protection is still being looked up");
    EXPECT_LT(std::chrono::steady_clock::now() - before, Millis{2'000});
}

} // namespace
} // namespace surehop::test
