// SPDX-License-Identifier: Apache-2.0
#include "facts/stored_facts.h"

#include "base/packed.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <utility>

namespace surehop {

namespace {

constexpr char store_version = 2; // 1 was JSON: see facts/stored_facts_v1.h
constexpr std::size_t longest_stored = std::size_t{1} << 20U; // octets
constexpr std::uint64_t last_second = 253402300799;           // 9999-12-31T23:59:59Z

// No letter becomes another of its kind by one bit.
template <typename T> struct Letter {
    T value;
    char letter;
};
using Modes = mtasts::Mode;
constexpr std::array<Letter<State>, 4> states = {
    {{State::present, 'p'}, {State::absent, 'a'}, {State::invalid, 'n'}, {State::unknown, 'u'}}};
constexpr std::array<Letter<Modes>, 3> modes = {
    {{Modes::none, 'n'}, {Modes::testing, 't'}, {Modes::enforce, 'e'}}};
constexpr std::array<Letter<bool>, 2> truths = {{{true, 't'}, {false, 'f'}}};
constexpr char nothing = '-';

// ---- writing

class Writer {
  public:
    template <typename T, std::size_t N>
    void letter(T value, const std::array<Letter<T>, N>& letters) {
        out_.letter(std::ranges::find(letters, value, &Letter<T>::value)->letter);
    }

    void truth(bool value) { letter(value, truths); }

    void maybe_truth(std::optional<bool> value) {
        if (value)
            truth(*value);
        else
            out_.letter(nothing);
    }

    void time(Time time) {
        out_.number(
            static_cast<std::uint64_t>(std::max<std::int64_t>(time.time_since_epoch().count(), 0)));
    }

    void standing(const Standing& standing) {
        letter(standing.state, states);
        out_.text(token_of(standing.reason));
    }

    void host(const Host& host) {
        out_.text(host.name.text());
        out_.number(host.preference);
        standing(host.addresses);
        maybe_truth(host.addresses_secure);
        standing(host.tlsa);
        out_.number(host.records.size());
        for (const dane::Tlsa& record : host.records) {
            for (const std::uint8_t field : {record.usage, record.selector, record.matching})
                out_.letter(static_cast<char>(field));
            out_.text({reinterpret_cast<const char*>(record.data.data()), record.data.size()});
        }
        out_.number(host.unreadable);
    }

    void sts(const StsFacts& sts) {
        standing(sts.standing);
        truth(sts.refresh == sts.standing);
        if (sts.refresh != sts.standing)
            standing(sts.refresh);
        out_.text(sts.id);
        letter(sts.policy.mode, modes);
        out_.number(static_cast<std::uint64_t>(sts.policy.max_age.count()));
        out_.number(sts.policy.mx.size());
        for (const mtasts::MxPattern& pattern : sts.policy.mx) {
            truth(pattern.wildcard);
            out_.text(pattern.name);
        }
        time(sts.fetched);
        time(sts.expires);
        truth(sts.failed.has_value());
        if (sts.failed) {
            out_.text(sts.failed->id);
            time(sts.failed->at);
            standing(sts.failed->why);
        }
    }

    std::string facts(const Facts& facts) {
        out_.letter(store_version);
        truth(facts.mx.has_value());
        if (facts.mx)
            standing(*facts.mx);
        maybe_truth(facts.mx_secure);
        for (const bool value : {facts.null_mx, facts.implicit_mx, facts.dane_lost})
            truth(value);
        out_.number(facts.failures);
        out_.number(facts.hosts.size());
        for (const Host& one : facts.hosts)
            host(one);
        sts(facts.sts);
        for (const Time value : {facts.reached, facts.learnt, facts.until})
            time(value);
        return out_.take();
    }

  private:
    Packer out_;
};

// ---- reading

class Reader {
  public:
    explicit Reader(std::string_view octets) : in_(octets) {}

    bool finished() const { return in_.good() && in_.left() == 0; }

    template <typename T, std::size_t N> T letter(const std::array<Letter<T>, N>& letters) {
        return of_letter(in_.letter(), letters);
    }

    bool truth() { return letter(truths); }

    std::optional<bool> maybe_truth() {
        const char read = in_.letter();
        return read == nothing ? std::nullopt : std::optional(of_letter(read, truths));
    }

    template <typename T> T number() {
        return static_cast<T>(in_.number(std::numeric_limits<T>::max()));
    }

    Seconds seconds() { return Seconds{static_cast<std::int64_t>(in_.number(last_second))}; }
    Time time() { return Time{seconds()}; }

    // How many follow, each of one octet at least.
    std::uint64_t count() { return in_.number(in_.left()); }

    Standing standing() {
        const State state = letter(states);
        const auto reason = reason_of(in_.text());
        return in_.expect(reason.has_value()) ? Standing{state, *reason} : Standing{};
    }

    // The name in the form in which a Domain holds it.
    std::optional<Domain> domain() {
        const std::string_view name = in_.text();
        auto parsed = Domain::parse(name);
        if (!in_.expect(parsed && parsed->text() == name))
            return std::nullopt;
        return *std::move(parsed);
    }

    dane::Tlsa tlsa() {
        dane::Tlsa record;
        for (std::uint8_t* field : {&record.usage, &record.selector, &record.matching})
            *field = static_cast<std::uint8_t>(in_.letter());
        const std::string_view data = in_.text();
        in_.expect(!data.empty());
        record.data.assign(data.begin(), data.end());
        return record;
    }

    void host(std::vector<Host>& hosts) {
        auto name = domain();
        if (!name)
            return;
        Host host(*std::move(name), number<std::uint16_t>());
        host.addresses = standing();
        host.addresses_secure = maybe_truth();
        host.tlsa = standing();
        for (auto left = count(); left > 0 && in_.good(); --left)
            host.records.push_back(tlsa());
        host.unreadable = number<std::uint16_t>();
        hosts.push_back(std::move(host));
    }

    mtasts::MxPattern mx_pattern() {
        const bool wildcard = truth();
        auto name = domain();
        return {wildcard, name ? name->text() : std::string()};
    }

    StsFacts sts() {
        StsFacts sts;
        sts.standing = standing();
        sts.refresh = sts.standing;
        if (!truth()) {
            sts.refresh = standing();
            in_.expect(sts.refresh != sts.standing);
        }
        sts.id = in_.text();
        sts.policy.mode = letter(modes);
        sts.policy.max_age = seconds();
        for (auto left = count(); left > 0 && in_.good(); --left)
            sts.policy.mx.push_back(mx_pattern());
        sts.fetched = time();
        sts.expires = time();
        if (truth()) {
            FailedFetch failed;
            failed.id = in_.text();
            failed.at = time();
            failed.why = standing();
            sts.failed = std::move(failed);
        }
        return sts;
    }

    Facts facts() {
        Facts facts;
        in_.expect(in_.letter() == store_version);
        if (truth())
            facts.mx = standing();
        facts.mx_secure = maybe_truth();
        for (bool* value : {&facts.null_mx, &facts.implicit_mx, &facts.dane_lost})
            *value = truth();
        facts.failures = number<std::uint32_t>();
        for (auto left = count(); left > 0 && in_.good(); --left)
            host(facts.hosts);
        facts.sts = sts();
        for (Time* value : {&facts.reached, &facts.learnt, &facts.until})
            *value = time();
        return facts;
    }

  private:
    template <typename T, std::size_t N>
    T of_letter(char read, const std::array<Letter<T>, N>& letters) {
        const auto found = std::ranges::find(letters, read, &Letter<T>::letter);
        return in_.expect(found != letters.end()) ? found->value : letters.front().value;
    }

    Unpacker in_;
};

} // namespace

std::string to_store(const Facts& facts) { return Writer().facts(facts); }

Result<Facts> from_store(std::string_view octets) {
    if (octets.size() > longest_stored)
        return Error{"the stored facts are too long"};
    Reader reader(octets);
    Facts facts = reader.facts();
    if (!reader.finished())
        return Error{"the stored facts are of another version, or damaged"};
    return facts;
}

} // namespace surehop
