// SPDX-License-Identifier: Apache-2.0
#include "facts/stored_facts_v1.h"

#include "base/json.h"

#include <cstdint>
#include <limits>
#include <utility>

namespace surehop {

namespace {

constexpr int store_version = 1;
constexpr std::size_t longest_stored = std::size_t{1} << 20U; // octets
constexpr std::int64_t last_second = 253402300799;            // 9999-12-31T23:59:59Z

// Reads what must be there in exactly one form. The first thing that is not makes all of it
// damaged; what is returned after that is of no use, and harmless.
class Reader {
  public:
    bool good() const { return good_; }

    const Json& member(const Json& object, const char* name) {
        const auto found = object.is_object() ? object.find(name) : object.end();
        return expect(object.is_object() && found != object.end()) ? *found : nothing_;
    }

    const Json& list(const Json& value) { return expect(value.is_array()) ? value : nothing_; }

    std::string text(const Json& value) {
        return expect(value.is_string()) ? value.get_ref<const std::string&>() : std::string();
    }

    bool truth(const Json& value) { return expect(value.is_boolean()) && value.get<bool>(); }

    std::optional<bool> maybe_truth(const Json& value) {
        return value.is_null() ? std::nullopt : std::optional<bool>(truth(value));
    }

    std::int64_t number(const Json& value, std::int64_t most) {
        if (!expect(value.is_number_integer()))
            return 0;
        const bool huge = value.is_number_unsigned() &&
                          value.get<std::uint64_t>() > static_cast<std::uint64_t>(most);
        const auto read = huge ? -1 : value.get<std::int64_t>();
        return expect(read >= 0 && read <= most) ? read : 0;
    }

    Time time(const Json& value) { return Time{Seconds{number(value, last_second)}}; }

    Standing standing(const Json& value) {
        if (!expect(value.is_array() && value.size() == 2))
            return {};
        const auto state = state_of(text(value[0]));
        const auto reason = reason_of(text(value[1]));
        if (state && reason)
            return {*state, *reason};
        expect(false);
        return {};
    }

    // The name in the form in which a Domain holds it.
    std::optional<Domain> domain(const std::string& name) {
        auto parsed = Domain::parse(name);
        if (!expect(parsed && parsed->text() == name))
            return std::nullopt;
        return *std::move(parsed);
    }

    dane::Tlsa tlsa(const Json& value) {
        const std::string written = text(value);
        auto parsed = dane::parse_text(written);
        return expect(parsed && dane::print(*parsed) == written) ? *std::move(parsed)
                                                                 : dane::Tlsa{};
    }

    mtasts::MxPattern mx_pattern(const Json& value) {
        std::string name = text(value);
        const bool wildcard = name.starts_with("*.");
        if (wildcard)
            name.erase(0, 2);
        domain(name);
        return {wildcard, std::move(name)};
    }

    mtasts::Mode mode(const Json& value) {
        using enum mtasts::Mode;
        const std::string name = text(value);
        for (const mtasts::Mode mode : {none, testing, enforce})
            if (mtasts::name_of(mode) == name)
                return mode;
        expect(false);
        return none;
    }

    void host(const Json& value, std::vector<Host>& hosts) {
        auto name = domain(text(member(value, "n")));
        if (!name)
            return;
        constexpr std::int64_t most = std::numeric_limits<std::uint16_t>::max();
        Host host(*std::move(name), static_cast<std::uint16_t>(number(member(value, "p"), most)));
        host.addresses = standing(member(value, "a"));
        host.addresses_secure = maybe_truth(member(value, "as"));
        host.tlsa = standing(member(value, "t"));
        for (const Json& record : list(member(value, "r")))
            host.records.push_back(tlsa(record));
        if (value.contains("x"))
            host.unreadable = static_cast<std::size_t>(number(value["x"], most));
        hosts.push_back(std::move(host));
    }

    StsFacts sts(const Json& value) {
        StsFacts sts;
        sts.standing = standing(member(value, "s"));
        sts.refresh = standing(member(value, "f"));
        sts.id = text(member(value, "id"));
        sts.policy.mode = mode(member(value, "mode"));
        sts.policy.max_age = Seconds{number(member(value, "age"), last_second)};
        for (const Json& pattern : list(member(value, "mx")))
            sts.policy.mx.push_back(mx_pattern(pattern));
        sts.fetched = time(member(value, "at"));
        sts.expires = time(member(value, "end"));
        return sts;
    }

  private:
    bool expect(bool condition) {
        good_ = good_ && condition;
        return condition;
    }
    const Json nothing_; // null: has no members, and iterates as an empty list
    bool good_ = true;
};

} // namespace

Result<Facts> from_store_v1(std::string_view text) {
    if (text.size() > longest_stored)
        return Error{"the stored facts are too long"};
    const auto json = parse_json(text);
    if (!json || !json->is_object())
        return Error{"the stored facts are damaged"};

    Reader read;
    if (read.number(read.member(*json, "v"), store_version) != store_version)
        return Error{"the stored facts are of another version, or damaged"};
    Facts facts;
    if (const Json& mx = read.member(*json, "mx"); !mx.is_null())
        facts.mx = read.standing(mx);
    facts.mx_secure = read.maybe_truth(read.member(*json, "mxs"));
    facts.null_mx = read.truth(read.member(*json, "null"));
    facts.implicit_mx = read.truth(read.member(*json, "impl"));
    for (const Json& host : read.list(read.member(*json, "hosts")))
        read.host(host, facts.hosts);
    facts.sts = read.sts(read.member(*json, "sts"));
    facts.dane_lost = json->contains("lost") && read.truth(read.member(*json, "lost"));
    if (json->contains("fails"))
        facts.failures = static_cast<std::uint32_t>(
            read.number(read.member(*json, "fails"), std::numeric_limits<std::uint32_t>::max()));
    if (json->contains("reached"))
        facts.reached = read.time(read.member(*json, "reached"));
    facts.learnt = read.time(read.member(*json, "at"));
    facts.until = read.time(read.member(*json, "end"));
    if (!read.good())
        return Error{"the stored facts are damaged"};
    return facts;
}

} // namespace surehop
