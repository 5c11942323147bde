// SPDX-License-Identifier: Apache-2.0

// Plays the MTA of the milter protocol (version 6) and prints what it took, as one line of JSON.
//
//   --socket S          unix:/path or inet:port@address
//   --connections N --messages N --rcpts N
//   --rate R            messages a second, spread over the connections; 0: as fast as they go
//   --end eom|abort     a whole message with six header fields and 2 kB, or none
//   --pattern P --domains N    recipients at d0.example to dN-1.example, in turns, for d%d.example
//   --first N                  begins with the Nth of these turns
//   --expect CODES      what RCPT may be answered with: c (continue), y (a reply code)
//   --idle N            more connections that say nothing after HELO
//   --pid P             whose CPU time counts

#include "bench.h"

#include <atomic>
#include <cmath>
#include <cstring>
#include <memory>
#include <thread>

namespace {

using namespace bench;

constexpr std::uint32_t no_helo = 0x2, no_body = 0x10, no_headers = 0x20, no_eoh = 0x40,
                        no_data = 0x200, silent_header = 0x80, silent_connect = 0x1000,
                        silent_helo = 0x2000, silent_mail = 0x4000, silent_data = 0x10000,
                        silent_eoh = 0x40000, silent_body = 0x80000;

class Milter {
  public:
    explicit Milter(const std::string& where) : fd_(connect_to(where)) {
        std::string offer;
        put(offer, 6);
        put(offer, 0x1ff);
        put(offer, 0x1fffff);
        send('O', offer);
        flush();
        const std::string reply = receive();
        if (reply.size() < 13 || reply[0] != 'O')
            fail("no milter");
        std::uint32_t steps = 0;
        std::memcpy(&steps, reply.data() + 9, 4);
        steps_ = ntohl(steps);
    }
    ~Milter() { ::close(fd_); }
    Milter(const Milter&) = delete;

    void begin() {
        using std::literals::operator""s;
        macro('C', "j\0relay.example\0{daemon_name}\0smtpd\0"s);
        said('C',
             "client.example\0004\0\x19"
             "192.0.2.1\0"s,
             silent_connect);
        if ((steps_ & no_helo) == 0)
            said('H', "client.example\0"s, silent_helo);
    }
    void mail() {
        using std::literals::operator""s;
        macro('M', "i\0004BENCH\0{mail_addr}\0s@clinic.example\0"s);
        said('M', "<s@clinic.example>\0"s, silent_mail);
    }
    char rcpt(const std::string& domain) {
        using std::literals::operator""s;
        const std::string address = "bob@" + domain;
        std::string macros = "{rcpt_mailer}\0smtp\0{rcpt_host}\0"s;
        macros += domain + '\0' + "{rcpt_addr}" + '\0' + address + '\0';
        macro('R', macros);
        send('R', "<" + address + ">" + '\0');
        flush();
        return answer();
    }
    void content(const std::string& body) {
        if ((steps_ & no_data) == 0)
            said('T', "", silent_data);
        if ((steps_ & no_headers) == 0)
            for (const char* field : {"Received", "From", "To", "Subject", "Date", "Message-Id"})
                said('L',
                     field + std::string(1, '\0') + "something as long as such fields are" + '\0',
                     silent_header);
        if ((steps_ & no_eoh) == 0)
            said('N', "", silent_eoh);
        if ((steps_ & no_body) == 0)
            said('B', body, silent_body);
    }
    char end() {
        send('E', "");
        flush();
        return answer();
    }
    void abort() { send('A', ""); }
    void quit() {
        send('Q', "");
        flush();
    }

  private:
    static void put(std::string& out, std::uint32_t number) {
        number = htonl(number);
        out.append(reinterpret_cast<const char*>(&number), 4);
    }
    void macro(char command, const std::string& text) { send('D', command + text); }
    void send(char command, const std::string& data) {
        put(out_, static_cast<std::uint32_t>(data.size() + 1));
        out_ += command;
        out_ += data;
    }
    void flush() {
        write_all(fd_, out_);
        out_.clear();
    }
    // A command that is answered unless that was negotiated away.
    void said(char command, const std::string& data, std::uint32_t silent) {
        send(command, data);
        if ((steps_ & silent) != 0)
            return;
        flush();
        if (const char reply = answer(); reply != 'c')
            fail(std::string("unexpected ") + reply + " to " + command);
    }
    std::string receive() {
        for (;;) {
            if (in_.size() >= 4) {
                std::uint32_t length = 0;
                std::memcpy(&length, in_.data(), 4);
                length = ntohl(length);
                if (in_.size() >= 4 + length) {
                    std::string packet = in_.substr(4, length);
                    in_.erase(0, 4 + length);
                    return packet;
                }
            }
            char octets[4096];
            const ssize_t count = ::read(fd_, octets, sizeof octets);
            if (count <= 0)
                fail("the milter has hung up");
            in_.append(octets, static_cast<std::size_t>(count));
        }
    }
    // The last word: what changes the message comes before it.
    char answer() {
        for (;;)
            if (const std::string packet = receive(); std::strchr("cadrtyf", packet[0]) != nullptr)
                return packet[0];
    }

    int fd_;
    std::uint32_t steps_ = 0;
    std::string out_, in_;
};

} // namespace

int main(int count, char** words) {
    const Options options(count, words);
    const std::string where = options.text("socket"),
                      pattern = options.text("pattern", "d%d.example");
    const auto connections = options.number("connections", 1),
               messages = options.number("messages", 1000), rcpts = options.number("rcpts", 1),
               domains = options.number("domains", 1000), first = options.number("first", 0),
               idle = options.number("idle", 0), pid = options.number("pid", 0);
    const double rate = static_cast<double>(options.number("rate", 0));
    const bool whole = options.text("end", "eom") == "eom";
    const std::string expect = options.text("expect", "c");
    const std::string body(2048, 'x');

    std::vector<std::unique_ptr<Milter>> silent;
    for (std::uint64_t i = 0; i < idle; ++i)
        silent.push_back(std::make_unique<Milter>(where)), silent.back()->begin();

    std::vector<Times> rcpt_times(connections), end_times(connections);
    std::atomic<std::uint64_t> next_message = 0, unexpected = 0;
    const double cpu_before = pid == 0 ? 0 : cpu_seconds(pid);
    const auto began = Clock::now();
    {
        std::vector<std::jthread> threads;
        for (std::uint64_t number = 0; number < connections; ++number)
            threads.emplace_back([&, number] {
                Milter milter(where);
                milter.begin();
                for (;;) {
                    const std::uint64_t message = next_message++;
                    if (message >= messages)
                        break;
                    if (rate > 0)
                        std::this_thread::sleep_until(
                            began + std::chrono::duration_cast<Clock::duration>(
                                        std::chrono::duration<double>(static_cast<double>(message) /
                                                                      rate)));
                    milter.mail();
                    for (std::uint64_t i = 0; i < rcpts; ++i) {
                        const std::string domain =
                            numbered(pattern, (first + message * rcpts + i) * 7919 % domains);
                        const auto asked = Clock::now();
                        const char reply = milter.rcpt(domain);
                        rcpt_times[number].add(Clock::now() - asked);
                        if (expect.find(reply) == std::string::npos)
                            ++unexpected;
                    }
                    if (!whole) {
                        milter.abort();
                        continue;
                    }
                    milter.content(body);
                    const auto asked = Clock::now();
                    milter.end();
                    end_times[number].add(Clock::now() - asked);
                }
                milter.quit();
            });
    }
    const double took = std::chrono::duration<double>(Clock::now() - began).count();
    const double cpu = pid == 0 ? 0 : cpu_seconds(pid) - cpu_before;
    Times rcpt, end;
    for (std::uint64_t i = 0; i < connections; ++i) {
        rcpt.add(rcpt_times[i]);
        end.add(end_times[i]);
    }
    const double sent = static_cast<double>(messages * rcpts);
    std::printf(
        "{\"messages_per_s\": %.1f, \"rcpts_per_s\": %.1f, \"rcpt_us\": %s, \"end_us\": %s, "
        "\"cpu_us_per_rcpt\": %.2f, \"unexpected\": %llu}\n",
        static_cast<double>(messages) / took, sent / took, rcpt.json().c_str(), end.json().c_str(),
        cpu * 1e6 / sent, static_cast<unsigned long long>(unexpected.load()));
    return unexpected == 0 ? 0 : 1;
}
