// SPDX-License-Identifier: Apache-2.0
#include "resolve/ares_dns.h"

#include "address/nexthop.h"
#include "base/text.h"
#include "resolve/address_range.h"
#include "resolve/dns_packet.h"

#include <algorithm>
#include <ares.h>
#include <chrono>
#include <deque>
#include <fmt/format.h>
#include <map>
#include <random>
#include <utility>

namespace surehop {

namespace {

using std::chrono::steady_clock;

constexpr std::size_t most_on_wire = 200;
// A question that has had no answer for so long has left the socket buffers, which is what the
// limit protects: dead name servers shall not keep the others waiting.
constexpr Millis longest_turn{500};
constexpr int most_tries = 5;
constexpr int edns_octets = 1232; // RFC 9715 §3.1: no fragments, and few answers that need TCP

// One question on its way, shared by the coroutine that asked and by c-ares, which cannot cancel
// one: whoever of the two is left alone finds it settled.
struct Call {
    Call(const asio::any_io_executor& executor, Question asked, steady_clock::time_point deadline)
        : question(std::move(asked)), wake(executor, deadline) {}

    Question question;
    asio::steady_timer wake; // expiry: the deadline; cancelled: `answer` is there
    DnsAnswer answer;
    bool settled = false;
    bool on_wire = false; // counts against most_on_wire
    steady_clock::time_point sent;

    void settle(DnsAnswer with) {
        if (settled)
            return;
        answer = std::move(with);
        settled = true;
        wake.cancel();
    }
    void settle(DnsStatus status) {
        DnsAnswer failed;
        failed.status = status;
        settle(std::move(failed));
    }
};

struct Socket {
    Socket(asio::io_context& loop, int fd) : descriptor(loop, fd) {}
    asio::posix::stream_descriptor descriptor;
    bool open = true; // false: c-ares has closed it; waits that were under way still fire
    bool wants_read = false, wants_write = false;
    bool reading = false, writing = false; // a wait is under way
};

DnsStatus status_of(int ares_status) {
    switch (ares_status) {
    case ARES_ETIMEOUT:
        return DnsStatus::timeout;
    case ARES_EBADRESP:
    case ARES_EFORMERR:
    case ARES_EBADNAME:
        return DnsStatus::malformed;
    default:
        return DnsStatus::unreachable;
    }
}

// What only newer versions of c-ares have, told from their options type: 1.18 compiles this away.
template <class Options> void set_newer_options(Options& options, int& mask, Millis deadline) {
    if constexpr (requires { options.qcache_max_ttl, options.maxtimeout; }) {
        // The cache's key ignores the AD and CD bits.
        constexpr int max_timeout_option = 1 << 20, query_cache_option = 1 << 21;
        options.qcache_max_ttl = 0;
        // Since 1.32 the timeout of a try follows the latency seen so far, down to 250 ms: a
        // resolver that answers from its cache would never be given the time to ask others. So
        // c-ares may try more often, none of its tries longer than ours nor, after the first three,
        // shorter than half of ours; and our deadline ends the question.
        options.maxtimeout = options.timeout;
        options.tries = 3 + static_cast<int>(2 * deadline / Millis{options.timeout});
        mask |= max_timeout_option | query_cache_option;
    }
}

std::string server_list(const std::vector<DnsServer>& servers) {
    std::vector<std::string> texts;
    texts.reserve(servers.size());
    for (const DnsServer& server : servers)
        texts.push_back(text_of(server));
    return join(texts, ",");
}

} // namespace

std::string text_of(const DnsServer& server) {
    return server.address.find(':') == std::string::npos
               ? fmt::format("{}:{}", server.address, server.port)
               : fmt::format("[{}]:{}", server.address, server.port);
}

struct AresDns::State : std::enable_shared_from_this<AresDns::State> {
    State(asio::io_context& io, AresSettings given)
        : loop(io), settings(std::move(given)), clock(io),
          patience(settings.timeout * (1LL << static_cast<unsigned>(settings.tries))) {}

    asio::io_context& loop;
    const AresSettings settings;
    asio::steady_timer clock; // the next moment at which c-ares or the queue has something to do
    steady_clock::time_point clock_set = steady_clock::time_point::max();
    const Millis patience; // of one question, all tries and its wait for a turn included
    ares_channel channel = nullptr;
    std::map<int, std::shared_ptr<Socket>> sockets;
    std::deque<std::shared_ptr<Call>> queue; // waiting for their turn
    std::deque<std::shared_ptr<Call>> sent;  // in the order of sending
    std::size_t on_wire = 0;
    std::random_device random;

    // What c-ares hands back with the answer. It calls back exactly once for each ares_send.
    struct Ticket {
        State& state; // outlives the channel
        std::shared_ptr<Call> call;
    };

    Status open();
    void close();
    static asio::awaitable<DnsAnswer> ask(std::shared_ptr<State> state, Question question);
    void send(const std::shared_ptr<Call>& call);
    void leave_wire(Call& call);
    void send_queued();
    void advance();
    void socket_wants(int fd, bool read, bool write);
    void wait(const std::shared_ptr<Socket>& socket, bool for_writing);
    static void answered(void* ticket, int status, int timeouts, unsigned char* packet, int size);
};

Status AresDns::State::open() {
    ares_options options{};
    std::string lookups = "b";            // DNS, no hosts file
    std::string nowhere = "/dev/null";    // not the system's servers, search list or options
    options.flags = ARES_FLAG_NOCHECKRESP // SERVFAIL is an answer: no other server is asked
                    | ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_EDNS;
    options.timeout = static_cast<int>(settings.timeout.count());
    options.tries = settings.tries;
    options.ednspsz =
        edns_octets; // 1.18: without it, what exceeds 512 octets is asked again by TCP
    options.lookups = lookups.data();
    options.resolvconf_path = nowhere.data();
    options.sock_state_cb_data = this;
    options.sock_state_cb = [](void* self, ares_socket_t fd, int read, int write) {
        static_cast<State*>(self)->socket_wants(fd, read != 0, write != 0);
    };
    int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_NOROTATE |
               ARES_OPT_EDNSPSZ | ARES_OPT_DOMAINS | ARES_OPT_LOOKUPS | ARES_OPT_RESOLVCONF |
               ARES_OPT_SOCK_STATE_CB;
    set_newer_options(options, mask, patience);
    int error = ares_init_options(&channel, &options, mask);
    if (error == ARES_SUCCESS)
        error = ares_set_servers_ports_csv(channel, server_list(settings.servers).c_str());
    if (error != ARES_SUCCESS)
        return Error{
            fmt::format("c-ares refuses the resolver's settings: {}", ares_strerror(error))};
    return Done{};
}

void AresDns::State::close() {
    if (channel != nullptr)
        ares_destroy(std::exchange(channel, nullptr)); // calls back for all that is on the wire
    clock.cancel();
    for (const auto& call : std::exchange(queue, {}))
        call->settle(DnsStatus::unreachable);
    sent.clear();
}

asio::awaitable<DnsAnswer> AresDns::State::ask(std::shared_ptr<State> state, Question question) {
    const auto executor = co_await asio::this_coro::executor;
    const auto call = std::make_shared<Call>(executor, std::move(question),
                                             steady_clock::now() + state->patience);
    if (state->channel == nullptr)
        call->settle(DnsStatus::unreachable);
    else
        state->queue.push_back(call);
    state->advance();
    if (!call->settled) { // it may have been answered, or refused, within ares_send
        asio::error_code ended;
        co_await call->wake.async_wait(asio::redirect_error(asio::use_awaitable, ended));
        call->settle(DnsStatus::timeout);
        state->leave_wire(*call);
    }
    co_return std::move(call->answer);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations" // 1.34; 1.18 has nothing else

void AresDns::State::send(const std::shared_ptr<Call>& call) {
    const Question& question = call->question;
    // Not to be guessed: 1.18 leaves the id to us.
    const auto id = static_cast<unsigned short>(random());
    const std::string name = question.name.empty() ? "." : question.name;
    unsigned char* packet = nullptr;
    int size = 0;
    const int error = ares_create_query(name.c_str(), 1, static_cast<int>(question.type), id, 1,
                                        &packet, &size, edns_octets);
    if (error != ARES_SUCCESS) {
        call->settle(status_of(error));
        return;
    }
    packet[3] |= 0x20U; // AD: tell us (RFC 6840 §5.7)
    if (question.checking_disabled)
        packet[3] |= 0x10U; // CD (RFC 4035 §3.2.2)
    call->sent = steady_clock::now();
    call->on_wire = true;
    ++on_wire;
    sent.push_back(call);
    ares_send(channel, packet, size, &State::answered, new Ticket{*this, call});
    ares_free_string(packet);
}

#pragma GCC diagnostic pop

void AresDns::State::answered(void* ticket, int status, int, unsigned char* packet, int size) {
    const std::unique_ptr<Ticket> held(static_cast<Ticket*>(ticket));
    Call& call = *held->call;
    held->state.leave_wire(call);
    if (call.settled)
        return;
    if (status != ARES_SUCCESS || packet == nullptr || size < 0) {
        call.settle(status_of(status));
        return;
    }
    DnsAnswer answer = read_dns_answer({packet, static_cast<std::size_t>(size)}, call.question);
    // DESIGN: the AD bit counts only over a trusted path; what was not checked is never authentic.
    if (!held->state.settings.trusted_path || call.question.checking_disabled)
        answer.authentic = false;
    call.settle(std::move(answer));
}

void AresDns::State::leave_wire(Call& call) {
    if (std::exchange(call.on_wire, false))
        --on_wire;
}

void AresDns::State::send_queued() {
    const auto long_ago = steady_clock::now() - longest_turn;
    while (!sent.empty() && (!sent.front()->on_wire || sent.front()->sent <= long_ago)) {
        leave_wire(*sent.front());
        sent.pop_front();
    }
    while (!queue.empty() && on_wire < most_on_wire) {
        const auto call = std::move(queue.front());
        queue.pop_front();
        if (!call->settled)
            send(call);
    }
}

// After everything that may have moved c-ares: sends what may be sent, and sets the clock.
void AresDns::State::advance() {
    if (channel == nullptr)
        return;
    send_queued();
    auto next = steady_clock::time_point::max();
    timeval in{};
    if (ares_timeout(channel, nullptr, &in) != nullptr)
        next = steady_clock::now() + std::chrono::seconds(in.tv_sec) +
               std::chrono::microseconds(in.tv_usec) + Millis{1}; // c-ares rounds down
    if (!queue.empty() && !sent.empty())
        next = std::min(next, sent.front()->sent + longest_turn);
    if (next >= clock_set) // the clock rings before that, and comes here again
        return;
    clock_set = next;
    clock.expires_at(next);
    clock.async_wait([self = shared_from_this()](const asio::error_code& cancelled) {
        if (cancelled || self->channel == nullptr)
            return;
        self->clock_set = steady_clock::time_point::max();
        ares_process_fd(self->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
        self->advance();
    });
}

void AresDns::State::socket_wants(int fd, bool read, bool write) {
    auto at = sockets.find(fd);
    if (!read && !write) {
        if (at == sockets.end())
            return;
        // c-ares closes it right after this call: Asio must have let go of it by then.
        at->second->open = false;
        at->second->descriptor.release();
        sockets.erase(at);
        return;
    }
    if (at == sockets.end())
        at = sockets.emplace(fd, std::make_shared<Socket>(loop, fd)).first;
    const auto socket = at->second;
    socket->wants_read = read;
    socket->wants_write = write;
    if (read && !socket->reading)
        wait(socket, false);
    if (write && !socket->writing)
        wait(socket, true);
}

void AresDns::State::wait(const std::shared_ptr<Socket>& socket, bool for_writing) {
    bool& waiting = for_writing ? socket->writing : socket->reading;
    waiting = true;
    const auto direction = for_writing ? asio::posix::stream_descriptor::wait_write
                                       : asio::posix::stream_descriptor::wait_read;
    socket->descriptor.async_wait(
        direction, [self = shared_from_this(), socket, for_writing](const asio::error_code& error) {
            (for_writing ? socket->writing : socket->reading) = false;
            if (!socket->open || self->channel == nullptr)
                return;
            if (!error) {
                const int fd = socket->descriptor.native_handle();
                ares_process_fd(self->channel, for_writing ? ARES_SOCKET_BAD : fd,
                                for_writing ? fd : ARES_SOCKET_BAD);
            }
            const bool again = for_writing ? socket->wants_write && !socket->writing
                                           : socket->wants_read && !socket->reading;
            if (socket->open && again && !error)
                self->wait(socket, for_writing);
            self->advance();
        });
}

AresDns::AresDns(std::shared_ptr<State> state) : state_(std::move(state)) {}

AresDns::~AresDns() { state_->close(); }

Result<std::unique_ptr<AresDns>> AresDns::create(asio::io_context& loop, AresSettings settings) {
    if (settings.servers.empty())
        return Error{"the resolver has no server"};
    if (settings.tries < 1 || settings.tries > most_tries || settings.timeout <= Millis{0} ||
        settings.timeout > std::chrono::minutes(1))
        return Error{fmt::format("the resolver's timeout must be up to 60s, and its tries 1 to {}",
                                 most_tries)};
    auto state = std::make_shared<State>(loop, std::move(settings));
    const Status opened = state->open();
    std::unique_ptr<AresDns> dns(new AresDns(std::move(state)));
    if (!opened)
        return Error{opened.error()};
    return dns;
}

asio::awaitable<DnsAnswer> AresDns::ask(Question question) {
    return State::ask(state_, std::move(question)); // which may outlive this object
}

Result<DnsServer> parse_dns_server(std::string_view text) {
    const Error refused{
        fmt::format("\"{}\" is not a DNS server such as 127.0.0.1, 127.0.0.1:53, ::1 "
                    "or [::1]:5353",
                    printable(text))};
    std::string_view address = text, port = "53";
    if (text.starts_with('[')) {
        const auto close = text.find(']');
        if (close == std::string_view::npos)
            return refused;
        address = text.substr(1, close - 1);
        const std::string_view rest = text.substr(close + 1);
        if (!rest.empty() && rest.front() != ':')
            return refused;
        if (!rest.empty())
            port = rest.substr(1);
    } else if (const auto colon = text.find(':');
               colon != std::string_view::npos && colon == text.rfind(':')) {
        address = text.substr(0, colon);
        port = text.substr(colon + 1);
    }
    const auto canonical = canonical_address(address);
    const auto number = parse_number(port, 65535);
    const bool bracketed_v4 = text.starts_with('[') && address.find(':') == std::string_view::npos;
    if (!canonical || !number || *number == 0 || bracketed_v4)
        return refused;
    return DnsServer{*canonical, static_cast<std::uint16_t>(*number)};
}

bool is_trusted_path(const DnsServer& server) {
    static const std::vector<std::string> here{"127.0.0.0/8", "::1"};
    static const std::vector<std::string> stubs{"127.0.0.53", "127.0.0.54", "127.0.0.11"};
    return is_within(server.address, here) && !is_within(server.address, stubs);
}

// resolv.conf(5): keyword first on its line, blanks, value; at most three servers count.
std::vector<DnsServer> read_resolv_conf(const std::string& text) {
    constexpr std::string_view keyword = "nameserver";
    std::vector<DnsServer> servers;
    for (const std::string_view line : split(text, '\n')) {
        if (!line.starts_with(keyword) || line.size() == keyword.size())
            continue;
        const std::string_view rest = line.substr(keyword.size());
        if (rest.front() != ' ' && rest.front() != '\t')
            continue;
        std::string_view value = trim(rest);
        value = value.substr(0, value.find_first_of(" \t\r#;"));
        if (const auto address = canonical_address(value); address && servers.size() < 3)
            servers.push_back({*address, 53});
    }
    return servers;
}

} // namespace surehop
