// SPDX-License-Identifier: Apache-2.0
#include "resolve/resolver.h"

#include "support/fake_https.h"
#include "support/gate_rig.h"
#include "support/run.h"
#include "support/zone.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

namespace surehop::test {
namespace {

// On one thread: the loop is this thread's.
class ResolverOnLoop : public ::testing::Test {
  protected:
    ResolverOnLoop() {
        limits.in_flight = 2;
        dns.add("zone a.test signed\n a.test MX 10 mx.a.test\n mx.a.test A 192.0.2.1");
    }
    Resolver& resolver() {
        if (!resolver_)
            resolver_ = std::make_unique<Resolver>(
                loop, dns, https, *book, clock, [this] { return validation; }, limits);
        return *resolver_;
    }
    void turn() { // what can be done now is done
        loop.restart();
        loop.poll();
    }

    asio::io_context loop;
    Zone dns;
    FakeHttps https;
    StillClock clock;
    MapBook map;
    FactsBook* book = &map;
    ResolverLimits limits;
    Validation validation = Validation::proven;

  private:
    std::unique_ptr<Resolver> resolver_;
};

TEST_F(ResolverOnLoop, FillsTheBook) {
    EXPECT_EQ(run(loop, resolver().learn(hop("a.test"), Millis{1000})), Learnt::done);
    ASSERT_NE(map.find("a.test"), nullptr);
    EXPECT_EQ(map.find("a.test")->hosts.size(), 1U);
    EXPECT_EQ(resolver().in_flight(), 0U);
}

// Nothing is looked up for an address, so that the flight is over before learn() waits for it.
TEST_F(ResolverOnLoop, NextHopThatNeedsNoLookUp) {
    EXPECT_EQ(run(loop, resolver().learn(hop("[192.0.2.1]"), Millis{1000})), Learnt::done);
    ASSERT_NE(map.find("[192.0.2.1]"), nullptr);
    EXPECT_TRUE(dns.asked.empty());
}

TEST_F(ResolverOnLoop, SingleFlight) {
    dns.hold();
    std::vector<Learnt> results;
    for (int i = 0; i < 20; ++i)
        asio::co_spawn(loop, resolver().learn(hop("a.test"), Millis{60'000}),
                       [&](std::exception_ptr, Learnt learnt) { results.push_back(learnt); });
    turn();
    EXPECT_EQ(resolver().in_flight(), 1U);
    EXPECT_TRUE(results.empty());
    dns.release();
    turn();
    EXPECT_EQ(results, std::vector<Learnt>(20, Learnt::done));
    EXPECT_EQ(dns.count("MX"), 1U);
}

TEST_F(ResolverOnLoop, LateAnswerStillFillsTheBook) {
    dns.hold();
    EXPECT_EQ(run(loop, resolver().learn(hop("a.test"), Millis{1})), Learnt::running);
    EXPECT_EQ(map.find("a.test"), nullptr);
    EXPECT_EQ(resolver().in_flight(), 1U);
    dns.release();
    turn();
    EXPECT_NE(map.find("a.test"), nullptr);
    EXPECT_EQ(resolver().in_flight(), 0U);
}

TEST_F(ResolverOnLoop, NoMoreInFlightThanTheLimit) {
    dns.hold();
    EXPECT_EQ(run(loop, resolver().learn(hop("a.test"), Millis{1})), Learnt::running);
    EXPECT_EQ(run(loop, resolver().learn(hop("b.test"), Millis{1})), Learnt::running);
    EXPECT_EQ(run(loop, resolver().learn(hop("c.test"), Millis{1})), Learnt::refused);
    EXPECT_EQ(run(loop, resolver().learn(hop("a.test"), Millis{1})), Learnt::running)
        << "one that is under way may always be joined";
    dns.release();
    turn();
    EXPECT_EQ(run(loop, resolver().learn(hop("c.test"), Millis{1000})), Learnt::done);
}

// Ahead of time nothing is lost that still holds; at its end what is known now counts.
TEST_F(ResolverOnLoop, AheadOfTimeAFailureLeavesWhatHolds) {
    const auto learn = [&](Ask ask) {
        EXPECT_EQ(run(loop, resolver().learn(hop("a.test"), Millis{1000}, ask)), Learnt::done);
        return map.find("a.test");
    };
    const FactsPtr before = learn(Ask::needed);
    dns.add("a.test MX fails servfail");
    EXPECT_EQ(learn(Ask::ahead), before);
    EXPECT_FALSE(learn(Ask::needed)->complete());
    dns.remove("a.test", "MX");
    EXPECT_TRUE(learn(Ask::ahead)->complete());
    clock.set(map.find("a.test")->until);
    dns.add("a.test MX fails servfail");
    EXPECT_FALSE(learn(Ask::ahead)->complete());
}

TEST_F(ResolverOnLoop, BookThatThrowsLeavesNoFlightBehind) {
    class Broken final : public FactsBook {
      public:
        Result<FactsPtr> read(std::string_view) override { throw std::runtime_error("broken"); }
        void put(const std::string&, FactsPtr) override {}
    } broken;
    book = &broken;
    EXPECT_EQ(run(loop, resolver().learn(hop("a.test"), Millis{1000})), Learnt::done);
    EXPECT_EQ(resolver().in_flight(), 0U);
}

// Invariant 4: what cannot be read may be an enforce policy, and must survive.
TEST_F(ResolverOnLoop, BookThatCannotBeReadIsNotWritten) {
    class Unreadable final : public FactsBook {
      public:
        Result<FactsPtr> read(std::string_view) override { return Error{"disk I/O error"}; }
        void put(const std::string&, FactsPtr) override { ++puts; }
        int puts = 0;
    } unreadable;
    book = &unreadable;
    EXPECT_EQ(run(loop, resolver().learn(hop("a.test"), Millis{1000})), Learnt::done);
    EXPECT_EQ(unreadable.puts, 0);
    EXPECT_TRUE(dns.asked.empty());
    EXPECT_EQ(resolver().in_flight(), 0U);
}

// The resolver stops validating between two questions: what the second brought was not checked.
TEST_F(ResolverOnLoop, WhatIsLearntWhileValidationChangesIsLearntAgain) {
    dns.add("zone d.test signed\n d.test MX 10 mx.d.test\n mx.d.test A 192.0.2.1\n"
            "_25._tcp.mx.d.test TLSA 3 1 1 key-a");
    EXPECT_EQ(run(loop, resolver().learn(hop("d.test"), Millis{1000})), Learnt::done);
    ASSERT_EQ(map.find("d.test")->hosts.at(0).tlsa.state, State::present);
    dns.hold();
    EXPECT_EQ(run(loop, resolver().learn(hop("d.test"), Millis{1})), Learnt::running);
    validation = Validation::lost;
    dns.validates = false;
    dns.release();
    turn();
    EXPECT_EQ(map.find("d.test")->hosts.at(0).tlsa,
              (Standing{State::unknown, Reason::resolver_validation_lost}));
    EXPECT_EQ(map.find("d.test")->mx_secure, std::nullopt);
}

TEST(ResolverReason, OfEachEnd) {
    EXPECT_EQ(reason_of(Learnt::running), Reason::look_up_running);
    EXPECT_EQ(reason_of(Learnt::refused), Reason::look_up_refused);
    EXPECT_EQ(reason_of(Learnt::done), Reason::internal);
}

// ---- from threads, as the milter waits

const std::function<void()> no_progress = [] {};

TEST(ResolverWait, ReturnsAsSoonAsTheFactsAreThere) {
    GateRig rig;
    rig.dns.delay = Millis{20};
    const auto before = std::chrono::steady_clock::now();
    EXPECT_EQ(rig.resolver.wait(hop("a.test"), Millis{30'000}, "192.0.2.1", no_progress),
              Learnt::done);
    EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds{20});
    EXPECT_NE(rig.book.find("a.test"), nullptr);
}

TEST(ResolverWait, GivesUpAtTheDeadline) {
    GateRig rig;
    rig.dns.delay = Millis{60'000};
    EXPECT_EQ(rig.resolver.wait(hop("a.test"), Millis{10}, "192.0.2.1", no_progress),
              Learnt::running);
    EXPECT_EQ(rig.resolver.in_flight(), 1U);
}

TEST(ResolverWait, TellsProgressAboutOnceASecond) {
    GateRig rig;
    rig.dns.delay = Millis{60'000};
    int told = 0;
    (void)rig.resolver.wait(hop("a.test"), Millis{1'100}, "192.0.2.1", [&] { ++told; });
    EXPECT_GE(told, 1);
    EXPECT_LE(told, 3);
}

// Waiters are held back; the look-ups go on for whoever tries again.
struct Crowd {
    explicit Crowd(ResolverLimits limits) : rig(limits) { rig.dns.delay = Millis{60'000}; }
    ~Crowd() {
        over = true;
        for (std::thread& thread : threads)
            thread.join();
    }
    void wait(const std::string& name, const std::string& client) {
        // Again and again: whoever looks whether all places are taken takes one for a moment.
        threads.emplace_back([this, name, client] {
            while (!over)
                (void)rig.resolver.wait(hop(name), Millis{500}, client, no_progress);
        });
    }
    Learnt at_once(const std::string& name, const std::string& client) {
        return rig.resolver.wait(hop(name), Millis{1}, client, no_progress);
    }
    // Until `count` of them wait, which shows in who else may.
    bool full(const std::string& name, const std::string& client) {
        for (int i = 0; i < 10'000; ++i) {
            if (at_once(name, client) == Learnt::refused)
                return true;
            std::this_thread::sleep_for(Millis{1});
        }
        return false;
    }
    GateRig rig;
    std::atomic<bool> over{false};
    std::vector<std::thread> threads;
};

TEST(ResolverWait, NoMorePerClientThanTheLimit) {
    ResolverLimits limits;
    limits.waiting = 16;
    limits.waiting_per_client = 2;
    Crowd crowd(limits);
    crowd.wait("a.test", "192.0.2.1");
    crowd.wait("b.test", "192.0.2.1");
    EXPECT_TRUE(crowd.full("c.test", "192.0.2.1"));
    EXPECT_EQ(crowd.at_once("c.test", "192.0.2.2"), Learnt::running);
    EXPECT_EQ(crowd.rig.resolver.in_flight(), 3U)
        << "what nobody may wait for is learnt all the same";
}

TEST(ResolverWait, NoMoreInAllThanTheLimit) {
    ResolverLimits limits;
    limits.waiting = 2;
    limits.waiting_per_client = 2;
    Crowd crowd(limits);
    crowd.wait("a.test", "192.0.2.1");
    crowd.wait("b.test", "192.0.2.2");
    EXPECT_TRUE(crowd.full("c.test", "192.0.2.3"));
}

// A flood of invented domains costs whoever sends it: neither the next client nor the lock.
TEST(ResolverWait, NoMoreInFlightPerClientThanTheLimit) {
    ResolverLimits limits;
    limits.in_flight = 10;
    limits.in_flight_per_client = 3;
    GateRig rig(limits);
    rig.dns.delay = Millis{60'000};
    const auto ask = [&](const std::string& name, const std::string& client) {
        return rig.resolver.wait(hop(name), Millis{1}, client, no_progress);
    };
    for (int i = 0; i < 10; ++i)
        (void)ask("a" + std::to_string(i) + ".test", "192.0.2.1");
    EXPECT_EQ(rig.resolver.in_flight(), 3U);
    EXPECT_EQ(ask("a9.test", "192.0.2.1"), Learnt::refused);
    EXPECT_EQ(ask("a0.test", "192.0.2.1"), Learnt::running) << "under way already";
    EXPECT_EQ(ask("b.test", "192.0.2.2"), Learnt::running);
    EXPECT_EQ(ask("c.test", ""), Learnt::running) << "sendmail(1)";
    for (int i = 0; i < 10; ++i)
        (void)ask("d" + std::to_string(i) + ".test", "192.0.2." + std::to_string(3 + i));
    EXPECT_EQ(rig.resolver.in_flight(), 8U) << "a fifth is left for the lock";
}

TEST(ResolverWait, PlacesAreGivenBack) {
    ResolverLimits limits;
    limits.waiting = 1;
    limits.waiting_per_client = 1;
    GateRig rig(limits);
    rig.dns.delay = Millis{60'000};
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(rig.resolver.wait(hop("a.test"), Millis{1}, "192.0.2.1", no_progress),
                  Learnt::running);
}

} // namespace
} // namespace surehop::test
