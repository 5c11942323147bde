// SPDX-License-Identifier: Apache-2.0
#include "mta/print.h"

#include <gtest/gtest.h>

#include <string>

namespace surehop::test {
namespace {

Wiring wiring(const char* milter, const char* socketmap) {
    Wiring out;
    out.lock = Lock::postfix;
    out.milter = milter;
    out.socketmap = {socketmap};
    return out;
}

bool has(const std::string& text, const std::string& line) {
    return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

TEST(Print, SocketsAreWrittenAsEachMailServerCountsThem) {
    const Wiring inside = wiring("unix:/q/s/milter.sock", "unix:/q/s/map.sock");
    EXPECT_TRUE(has(print_postfix(inside, "/q"), "smtpd_milters = unix:s/milter.sock"));
    EXPECT_TRUE(has(print_postfix(inside, "/q"),
                    "smtp_tls_policy_maps = socketmap:unix:s/map.sock:postfix"));
    EXPECT_TRUE(has(print_sendmail(inside),
                    "INPUT_MAIL_FILTER(`surehop', `S=local:/q/s/milter.sock, F=T, "
                    "T=S:30s;R:30s;E:5m')dnl"));
    const Wiring tcp = wiring("inet:8460@127.0.0.1", "inet:8461@::1");
    EXPECT_TRUE(has(print_postfix(tcp, "/q"), "smtpd_milters = inet:127.0.0.1:8460"));
    EXPECT_TRUE(
        has(print_postfix(tcp, "/q"), "smtp_tls_policy_maps = socketmap:inet:[::1]:8461:postfix"));
}

TEST(Print, ASocketOutsideTheQueueDirectoryIsToldOf) {
    const std::string text =
        print_postfix(wiring("unix:/run/m.sock", "unix:/run/s.sock"), "/var/spool/postfix");
    EXPECT_TRUE(has(text, "smtpd_milters = unix:/run/m.sock"));
    EXPECT_NE(text.find("cannot reach them"), std::string::npos);
}

TEST(Print, TheLinesFitTheVersionThatTheLockIsFor) {
    Wiring surehop = wiring("unix:/q/m", "unix:/q/s");
    EXPECT_TRUE(has(print_postfix(surehop, "/q"), "#tls_required_enable = no"));
    EXPECT_TRUE(has(print_postfix(surehop, "/q"), "smtp_tls_mandatory_protocols = !SSLv2, !SSLv3, "
                                                  "!TLSv1, !TLSv1.1"));
    surehop.lock = Lock::postfix310;
    surehop.queue_lifetime = std::chrono::hours{36};
    EXPECT_TRUE(has(print_postfix(surehop, "/q"), "tls_required_enable = no"));
    EXPECT_TRUE(has(print_postfix(surehop, "/q"), "smtp_tls_policy_maps = "
                                                  "socketmap:unix:s:postfix310"));
    EXPECT_TRUE(has(print_postfix(surehop, "/q"), "maximal_queue_lifetime = 36h"));
}

} // namespace
} // namespace surehop::test
