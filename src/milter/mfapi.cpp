// SPDX-License-Identifier: Apache-2.0
#include "milter/mfapi.h"

#include "milter/listen.h"

#include <fmt/format.h>
#include <libmilter/mfapi.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h> // NOLINT(modernize-deprecated-headers): pthread_sigmask is POSIX
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <exception>
#include <iterator>
#include <mutex>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <utility>

// libmilter waits for HUP, INT and TERM on a thread of its own, and cannot be told not to. A signal
// that has come and that the main thread has not taken yet would be for whoever asks next, and that
// may be this thread: surehopd would end at a HUP, or end a stop with an error. So in this program
// sigwait() is this one, which gets nothing, for ever. Nobody else here calls it.
extern "C" int sigwait(const sigset_t* /*signals*/, int* /*number*/) {
    for (;;)
        ::pause();
}

namespace surehop {

namespace {

constexpr int backlog = 1024;

// Seconds for the rest of a packet that has begun, and for an answer to be taken; between packets a
// session may be silent for much longer. Whoever keeps a thread of libmilter's pool waiting can
// make a new session wait for that thread; this is less than any MTA's patience with its filter.
constexpr int patience_in_a_packet = 5;

// The connections of this process, and what they work with.
class Connections {
  public:
    Connections(SessionParts parts, Tell teller)
        : tell(std::move(teller)), parts_(std::move(parts)),
          recording_("recording decisions", tell) {}

    Session* open(Client client) {
        auto session = std::make_unique<Session>(parts_, recording_, std::move(client));
        Session* address = session.get();
        const std::lock_guard hold(mutex_);
        sessions_.emplace(address, std::move(session));
        return address;
    }

    void close(Session* session) {
        const std::lock_guard hold(mutex_);
        sessions_.erase(session);
    }

    SitePtr site() const { return parts_.site(); }

    const Tell tell;

  private:
    const SessionParts parts_;
    Incident recording_;
    std::mutex mutex_;
    // Kept here and not by libmilter alone, which never closes those that are open when it stops.
    std::unordered_map<Session*, std::unique_ptr<Session>> sessions_;
};

// libmilter's callbacks carry no pointer of ours until a connection has been given one, and its own
// state belongs to the process: so must the way from a new connection to what it works with. Null
// before run() and from stop() on; `live` counts the callbacks that may be using it.
// NOLINTBEGIN(cppcoreguidelines-avoid-non-const-global-variables)
std::atomic<Connections*> serving{nullptr};
std::atomic<int> live{0};
// NOLINTEND(cppcoreguidelines-avoid-non-const-global-variables)

struct LiveCallback {
    LiveCallback() { ++live; }
    ~LiveCallback() { --live; }
    LiveCallback(const LiveCallback&) = delete;
    LiveCallback& operator=(const LiveCallback&) = delete;
};

// Every callback goes through here: no exception may pass through libmilter's C frames, and none
// may touch what stop() is taking away. Counting before looking is what makes that sure.
template <class Fn> sfsistat guard(sfsistat on_failure, Fn fn) noexcept {
    const LiveCallback counted;
    Connections* connections = serving;
    if (connections == nullptr)
        return on_failure;
    try {
        return fn(*connections);
    } catch (const std::exception& fault) {
        try {
            connections->tell(fmt::format("internal error in a milter callback: {}", fault.what()));
        } catch (...) { // NOLINT(bugprone-empty-catch): there is nobody left to tell
        }
    } catch (...) { // NOLINT(bugprone-empty-catch): not one of ours; the answer says enough
    }
    return on_failure;
}

// The same for callbacks that need an open session.
template <class Fn> sfsistat with_session(SMFICTX* ctx, sfsistat on_failure, Fn fn) noexcept {
    return guard(on_failure, [&](Connections&) {
        auto* session = static_cast<Session*>(smfi_getpriv(ctx));
        return session == nullptr ? on_failure : fn(*session);
    });
}

Macro macros_of(SMFICTX* ctx) {
    return [ctx](std::string_view name) {
        std::string wanted(name);
        const char* value = smfi_getsymval(ctx, wanted.data());
        return std::string(value == nullptr ? "" : value);
    };
}

// Codes, class and text always agree: Postfix answers a mismatch with 451 to every later command of
// the session.
bool set_reply(SMFICTX* ctx, const Reply& reply) {
    const std::string code_class = std::to_string(reply.code / 100);
    if (!reply.enhanced.starts_with(code_class))
        return false;
    std::string code = std::to_string(reply.code);
    std::string enhanced = reply.enhanced;
    std::string text;
    for (const char c : reply.text) {
        text += c;
        if (c == '%') // libmilter's text is a format
            text += c;
    }
    return smfi_setreply(ctx, code.data(), enhanced.data(), text.data()) == MI_SUCCESS;
}

sfsistat answer(SMFICTX* ctx, const Reply& reply) {
    if (!reply.refuses())
        return SMFIS_CONTINUE;
    if (!set_reply(ctx, reply)) {
        const Reply plain = reply.permanent()
                                ? Reply{550, "5.7.1", "Refused by the mail policy of this site"}
                                : Reply{451, "4.7.1", "Not possible now. Try again later"};
        set_reply(ctx, plain); // else the MTA has words of its own
    }
    return reply.permanent() ? SMFIS_REJECT : SMFIS_TEMPFAIL;
}

class Actions final : public MessageActions {
  public:
    explicit Actions(SMFICTX* ctx) : ctx_(ctx) {}

    bool quarantine(const std::string& reason) override {
        std::string text = reason;
        return smfi_quarantine(ctx_, text.data()) == MI_SUCCESS;
    }
    bool add_header(const std::string& name, const std::string& value) override {
        std::string field = name;
        std::string text = value;
        return smfi_addheader(ctx_, field.data(), text.data()) == MI_SUCCESS;
    }
    bool delete_header(const std::string& name, int occurrence) override {
        std::string field = name;
        return smfi_chgheader(ctx_, field.data(), occurrence, nullptr) == MI_SUCCESS;
    }

  private:
    SMFICTX* ctx_;
};

// Who has one address of IPv6 has a whole /64.
const in6_addr* whole_network(const in6_addr& address, in6_addr& network) {
    network = address;
    if (!IN6_IS_ADDR_V4MAPPED(&address))
        std::fill(std::begin(network.s6_addr) + 8, std::end(network.s6_addr), std::uint8_t{0});
    return &network;
}

std::string text_of(int family, const void* octets) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const char* made = inet_ntop(family, octets, text.data(), text.size());
    return made == nullptr ? "" : made;
}

Client client_of(const _SOCK_ADDR* address) {
    if (address != nullptr && address->sa_family == AF_INET) {
        const auto* v4 = reinterpret_cast<const sockaddr_in*>(address);
        const std::string text = text_of(AF_INET, &v4->sin_addr);
        return {text, text};
    }
    if (address != nullptr && address->sa_family == AF_INET6) {
        const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address);
        in6_addr network{};
        return {text_of(AF_INET6, &v6->sin6_addr),
                text_of(AF_INET6, whole_network(v6->sin6_addr, network))};
    }
    return {};
}

// ---- the callbacks
// -------------------------------------------------------------------------------

// The body is megabytes, and only its size is ever asked for.
bool wants_body() noexcept {
    bool wanted = false;
    guard(SMFIS_CONTINUE, [&](Connections& connections) {
        wanted = connections.site()->rules->asks_for_size();
        return SMFIS_CONTINUE;
    });
    return wanted;
}

// Steps that are not needed are not sent, and those that are never answered cost no round trip:
// libmilter sees to it where the MTA cannot (SMFIP_NR_*).
sfsistat on_negotiate(SMFICTX* ctx, unsigned long offered_actions, unsigned long offered_steps,
                      unsigned long /*f2*/, unsigned long /*f3*/, unsigned long* actions,
                      unsigned long* steps, unsigned long* f2, unsigned long* f3) {
    *actions =
        offered_actions & (SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_QUARANTINE | SMFIF_SETSYMLIST);
    *steps = offered_steps & (SMFIP_NOHELO | SMFIP_NOUNKNOWN | SMFIP_NR_CONN | SMFIP_NR_HDR |
                              (wants_body() ? SMFIP_NR_BODY : SMFIP_NOBODY));
    *f2 = 0;
    *f3 = 0;
    if ((*actions & SMFIF_SETSYMLIST) != 0) {
        // Where mail goes must not depend on how somebody has set milter_rcpt_macros.
        std::string at_mail = "{mail_addr} {auth_authen} {daemon_name}";
        std::string at_rcpt = "{rcpt_mailer} {rcpt_host} {rcpt_addr}";
        std::string at_end = "i";
        smfi_setsymlist(ctx, SMFIM_ENVFROM, at_mail.data());
        smfi_setsymlist(ctx, SMFIM_ENVRCPT, at_rcpt.data());
        smfi_setsymlist(ctx, SMFIM_EOH, at_end.data());
        smfi_setsymlist(ctx, SMFIM_EOM, at_end.data());
    }
    return SMFIS_CONTINUE;
}

sfsistat on_connect(SMFICTX* ctx, char* /*host*/, _SOCK_ADDR* address) {
    return guard(SMFIS_NOREPLY, [&](Connections& connections) {
        Session* session = connections.open(client_of(address));
        if (smfi_setpriv(ctx, session) != MI_SUCCESS)
            connections.close(session); // MAIL finds none and fails for now
        return SMFIS_NOREPLY;
    });
}

sfsistat on_mail(SMFICTX* ctx, char** arguments) {
    return with_session(ctx, SMFIS_TEMPFAIL, [&](Session& session) {
        std::vector<std::string_view> parameters;
        for (char** parameter = arguments + 1; *parameter != nullptr; ++parameter)
            parameters.emplace_back(*parameter);
        return answer(ctx, session.mail(arguments[0], parameters, macros_of(ctx)));
    });
}

sfsistat on_rcpt(SMFICTX* ctx, char** arguments) {
    return with_session(ctx, SMFIS_TEMPFAIL, [&](Session& session) {
        return answer(ctx, session.rcpt(arguments[0], macros_of(ctx)));
    });
}

// There is nothing to do at DATA; but where it has an answer, the MTA has one for what it wrote
// just before. Postfix else sends macros alone, which over TCP keeps the header back for the 40 ms
// of a delayed acknowledgement.
sfsistat on_data(SMFICTX* ctx) {
    return with_session(ctx, SMFIS_TEMPFAIL, [](Session&) { return SMFIS_CONTINUE; });
}

sfsistat on_header(SMFICTX* ctx, char* name, char* value) {
    return with_session(ctx, SMFIS_NOREPLY, [&](Session& session) {
        session.header(name, value);
        return SMFIS_NOREPLY;
    });
}

sfsistat on_end_of_header(SMFICTX* ctx) {
    return with_session(ctx, SMFIS_TEMPFAIL, [&](Session& session) {
        return answer(ctx, session.end_of_header(macros_of(ctx)));
    });
}

sfsistat on_body(SMFICTX* ctx, unsigned char* /*octets*/, std::size_t count) {
    return with_session(ctx, SMFIS_NOREPLY, [&](Session& session) {
        session.body(count);
        return SMFIS_NOREPLY;
    });
}

sfsistat on_end_of_message(SMFICTX* ctx) {
    return with_session(ctx, SMFIS_TEMPFAIL, [&](Session& session) {
        Actions actions(ctx);
        return answer(ctx, session.end_of_message(macros_of(ctx), actions));
    });
}

sfsistat on_abort(SMFICTX* ctx) {
    return with_session(ctx, SMFIS_CONTINUE, [](Session& session) {
        session.abort();
        return SMFIS_CONTINUE;
    });
}

sfsistat on_close(SMFICTX* ctx) {
    auto* session = static_cast<Session*>(smfi_getpriv(ctx));
    smfi_setpriv(ctx, nullptr); // libmilter complains of what is left there
    return guard(SMFIS_CONTINUE, [&](Connections& connections) {
        connections.close(session);
        return SMFIS_CONTINUE;
    });
}

// ---- start and stop
// ------------------------------------------------------------------------------

// No signal is for a thread started here (libmilter starts more, which inherit this): the main
// thread handles them, and libmilter, which would stop at a HUP, gets none; see sigwait() above.
template <class Fn> std::thread deaf_thread(Fn fn) {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    std::thread thread(std::move(fn));
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return thread;
}

bool set_connection(std::string specification) {
    return smfi_setconn(specification.data()) == MI_SUCCESS;
}

// libmilter makes the UNIX socket itself; it gets the mode that the umask leaves, and is never open
// for everybody, not even for a moment.
Status open_unix(const ListenAddress& at) {
    if (auto way = make_way(at.path); !way)
        return way;
    const mode_t before = ::umask(0117); // 0660
    errno = 0;
    const bool opened = set_connection(at.text()) && smfi_opensocket(false) == MI_SUCCESS;
    const int error = errno;
    ::umask(before);
    if (!opened)
        return Error{fmt::format("cannot listen on {}: {}", at.text(),
                                 std::generic_category().message(error))};
    return Done{};
}

// Debian's libmilter takes a socket that is listening already ("fd:N", socket_activation.patch), so
// TCP_NODELAY can be set. Where the library does not know that, it makes its own.
Status open_inet(const ListenAddress& at) {
    auto door = listen_tcp(at, backlog);
    if (!door)
        return Error{door.error()};
    if (set_connection(fmt::format("fd:{}", *door)) && smfi_opensocket(false) == MI_SUCCESS)
        return Done{};
    ::close(*door);
    const char* scheme = at.address.find(':') == std::string::npos ? "inet" : "inet6";
    if (set_connection(fmt::format("{}:{}@{}", scheme, at.port, at.address)) &&
        smfi_opensocket(false) == MI_SUCCESS)
        return Done{};
    return Error{fmt::format("libmilter cannot listen on {}", at.text())};
}

} // namespace

struct Milter::State {
    State(ListenAddress where, SessionParts parts, Tell tell)
        : at(std::move(where)), connections(std::move(parts), std::move(tell)) {}

    const ListenAddress at;
    Connections connections;
    std::thread server;
    std::thread stopper;
    std::atomic<bool> stopping{false};
    std::atomic<bool> served{false}; // smfi_main has returned
};

Milter::Milter(std::unique_ptr<State> state) : state_(std::move(state)) {}

Milter::~Milter() = default;

Result<std::unique_ptr<Milter>> Milter::open(const std::string& socket, SessionParts parts,
                                             Tell tell) {
    auto at = parse_listen_address(socket);
    if (!at)
        return Error{at.error()};
    std::string name = "surehop";
    smfiDesc filter{};
    filter.xxfi_name = name.data(); // libmilter copies it
    filter.xxfi_version = SMFI_VERSION;
    filter.xxfi_flags = SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_QUARANTINE | SMFIF_SETSYMLIST;
    filter.xxfi_connect = on_connect;
    filter.xxfi_envfrom = on_mail;
    filter.xxfi_envrcpt = on_rcpt;
    filter.xxfi_data = on_data;
    filter.xxfi_header = on_header;
    filter.xxfi_eoh = on_end_of_header;
    filter.xxfi_body = on_body;
    filter.xxfi_eom = on_end_of_message;
    filter.xxfi_abort = on_abort;
    filter.xxfi_close = on_close;
    filter.xxfi_negotiate = on_negotiate;
    if (smfi_register(filter) != MI_SUCCESS)
        return Error{"libmilter does not take the filter"};
    smfi_setbacklog(backlog);
    smfi_settimeout(patience_in_a_packet);
    if (auto opened = at->path.empty() ? open_inet(*at) : open_unix(*at); !opened)
        return Error{opened.error()};
    return std::unique_ptr<Milter>(
        new Milter(std::make_unique<State>(*std::move(at), std::move(parts), std::move(tell))));
}

void Milter::run(std::function<void()> ended) {
    serving = &state_->connections;
    state_->server = deaf_thread([state = state_.get(), ended = std::move(ended)] {
        smfi_main();
        state->served = true;
        if (!state->stopping)
            ended();
    });
}

// smfi_stop() blocks its caller for up to 5 s: it needs a lock under which libmilter's listener
// polls. A call at our own door wakes the listener; until it has heard, another one follows.
bool Milter::stop(Millis most) {
    if (!state_->server.joinable())
        return true;
    const auto deadline = std::chrono::steady_clock::now() + most;
    const auto late = [&] { return std::chrono::steady_clock::now() >= deadline; };
    state_->stopping = true;
    state_->stopper = deaf_thread([] { smfi_stop(); });
    constexpr std::chrono::microseconds longest_pause = Millis{20};
    for (auto pause = longest_pause / 40; !state_->served;
         pause = std::min(pause * 2, longest_pause)) {
        if (late())
            return false;
        std::this_thread::sleep_for(pause);
        knock(state_->at);
    }
    state_->server.join();
    state_->stopper.join();

    // libmilter does not wait for callbacks under way, and may still make new ones.
    serving = nullptr;
    while (live > 0) {
        if (late())
            return false;
        std::this_thread::sleep_for(Millis{5});
    }
    return true;
}

} // namespace surehop
