// SPDX-License-Identifier: Apache-2.0
#include "support/zone.h"

#include "base/bytes.h"
#include "base/text.h"
#include "dane/tlsa.h"

#include <algorithm>
#include <array>
#include <limits>
#include <sstream>
#include <stdexcept>

namespace surehop::test {

namespace {

constexpr std::array<std::pair<std::string_view, RrType>, 7> types = {{{"A", RrType::a},
                                                                       {"AAAA", RrType::aaaa},
                                                                       {"MX", RrType::mx},
                                                                       {"TXT", RrType::txt},
                                                                       {"CNAME", RrType::cname},
                                                                       {"TLSA", RrType::tlsa},
                                                                       {"SOA", RrType::soa}}};
constexpr std::array<std::pair<std::string_view, DnsStatus>, 5> failures = {
    {{"timeout", DnsStatus::timeout},
     {"servfail", DnsStatus::servfail},
     {"refused", DnsStatus::refused},
     {"unreachable", DnsStatus::unreachable},
     {"malformed", DnsStatus::malformed}}};

RrType type_named(std::string_view name) {
    for (const auto& [text, type] : types)
        if (text == name)
            return type;
    throw std::invalid_argument("no such type: " + std::string(name));
}

std::string_view name_of(RrType type) {
    for (const auto& [text, known] : types)
        if (known == type)
            return text;
    return "?";
}

DnsStatus failure_named(std::string_view name) {
    for (const auto& [text, status] : failures)
        if (text == name)
            return status;
    throw std::invalid_argument("no such failure: " + std::string(name));
}

// "3 1 1 key-a", "3 1 1 00ff...": RDATA. "raw 0301": any octets.
Bytes tlsa_rdata(std::string text) {
    if (text.starts_with("raw "))
        return from_hex(text.substr(4)).value();
    if (const auto key = text.find("key-"); key != std::string::npos)
        text = text.substr(0, key) + digest_named(text.substr(key));
    const auto record = dane::parse_text(text);
    if (!record)
        throw std::invalid_argument(record.error());
    Bytes rdata{record->usage, record->selector, record->matching};
    rdata.insert(rdata.end(), record->data.begin(), record->data.end());
    return rdata;
}

// The strings of a TXT record, or a text without quotes as it is.
std::string joined(const std::string& data) {
    if (data.front() != '"')
        return data;
    std::string out;
    bool inside = false;
    for (const char c : data)
        if (c == '"')
            inside = !inside;
        else if (inside)
            out += c;
        else if (c != ' ')
            throw std::invalid_argument(
                "between the strings of a TXT record only blanks may stand");
    if (inside)
        throw std::invalid_argument("a string of a TXT record does not end");
    return out;
}

std::string without_dot(std::string name) {
    if (name.ends_with('.'))
        name.pop_back();
    return lower(name);
}

} // namespace

std::string digest_named(std::string_view name) { return to_hex(sha256(name)); }

void Zone::add(std::string_view text) {
    for (const std::string_view line : split(text, '\n'))
        if (const std::string_view bare = trim(line); !bare.empty() && bare.front() != '#') {
            try {
                add_line(std::string(bare));
            } catch (const std::exception& error) {
                throw std::invalid_argument(std::string(bare) + ": " + error.what());
            }
        }
}

void Zone::add_line(const std::string& line) {
    std::istringstream in(line);
    std::string name, type, data;
    in >> name >> type;
    if (name == "zone") {
        Cut& cut = cuts_[without_dot(type)];
        std::string word;
        in >> word;
        if (word == "signed")
            cut.security = Security::is_signed;
        else if (word == "unsigned")
            cut.security = Security::is_unsigned;
        else if (word == "bogus")
            cut.security = Security::is_bogus;
        else
            throw std::invalid_argument("a zone is signed, unsigned or bogus");
        if (in >> word && !(word == "ttl" && in >> cut.ttl))
            throw std::invalid_argument("only 'ttl SECONDS' may follow");
        return;
    }
    std::getline(in >> std::ws, data);
    if (data.empty())
        throw std::invalid_argument("NAME TYPE DATA is needed");
    add_record(without_dot(name), type_named(type), data);
}

void Zone::add_record(const std::string& name, RrType type, const std::string& data) {
    const Key key{name, type};
    if (data.starts_with("fails ")) {
        failures_[key] = failure_named(data.substr(6));
        return;
    }
    DnsRecord record;
    record.owner = name;
    switch (type) {
    case RrType::a:
    case RrType::aaaa:
        record.data = DnsRecord::Address{data};
        break;
    case RrType::cname:
        record.data = DnsRecord::Cname{without_dot(data)};
        break;
    case RrType::txt:
        record.data = DnsRecord::Text{joined(data)};
        break;
    case RrType::tlsa:
        record.data = DnsRecord::Raw{tlsa_rdata(data)};
        break;
    case RrType::mx: {
        std::istringstream in(data);
        MxRecord mx{};
        if (!(in >> mx.preference >> mx.exchange))
            throw std::invalid_argument("an MX has a preference and a host");
        mx.exchange = without_dot(mx.exchange);
        record.data = mx;
        break;
    }
    case RrType::soa:
        record.data = DnsRecord::Raw{};
        break;
    }
    failures_.erase(key);
    records_[key].push_back(std::move(record));
}

void Zone::remove(std::string_view name, std::string_view type) {
    const Key key{without_dot(std::string(name)), type_named(type)};
    if (records_.erase(key) + failures_.erase(key) == 0)
        throw std::invalid_argument("there is no " + std::string(type) + " " + std::string(name));
}

const Zone::Cut& Zone::cut_of(const std::string& name) const {
    std::string_view rest = name;
    for (;;) {
        if (const auto found = cuts_.find(std::string(rest)); found != cuts_.end())
            return found->second;
        const auto dot = rest.find('.');
        rest = dot == std::string_view::npos ? std::string_view{} : rest.substr(dot + 1);
    }
}

bool Zone::exists(const std::string& name) const {
    const auto here = [&](const Key& key) {
        return key.first == name || key.first.ends_with("." + name);
    };
    return cuts_.contains(name) || std::any_of(records_.begin(), records_.end(),
                                               [&](const auto& row) { return here(row.first); });
}

DnsAnswer Zone::answer(const Question& question) const {
    DnsAnswer out;
    out.ttl = std::numeric_limits<std::uint32_t>::max();
    out.authentic = validates && !question.checking_disabled;
    std::string name = lower(question.name);
    for (int links = 0; links < 12; ++links) {
        const Cut& cut = cut_of(name);
        out.ttl = std::min(out.ttl, cut.ttl);
        out.authentic = out.authentic && cut.security == Security::is_signed;
        const auto fail = [](DnsStatus status) {
            DnsAnswer failed;
            failed.status = status;
            return failed;
        };
        if (const auto failure = failures_.find({name, question.type}); failure != failures_.end())
            return fail(failure->second);
        if (cut.security == Security::is_bogus && validates && !question.checking_disabled)
            return fail(DnsStatus::servfail);
        const auto take = [&](RrType type) {
            const auto found = records_.find({name, type});
            if (found == records_.end())
                return false;
            for (DnsRecord record : found->second) {
                record.ttl = cut.ttl;
                out.records.push_back(std::move(record));
            }
            return true;
        };
        if (take(question.type)) {
            out.status = DnsStatus::answer;
            return out;
        }
        if (question.type == RrType::cname || !take(RrType::cname)) {
            const bool alias = !out.records.empty(); // NOERROR, and nothing at its end
            out.status = !exists(name) ? DnsStatus::no_name
                         : alias       ? DnsStatus::answer
                                       : DnsStatus::no_data;
            return out;
        }
        name = std::get<DnsRecord::Cname>(out.records.back().data).target;
    }
    out.status = DnsStatus::answer; // aliases without end
    return out;
}

asio::awaitable<DnsAnswer> Zone::ask(Question question) {
    asked.push_back(std::string(name_of(question.type)) + " " + question.name +
                    (question.checking_disabled ? " +cd" : ""));
    if (held_) {
        const auto timer = std::make_shared<asio::steady_timer>(
            co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
        waiting_.push_back(timer);
        asio::error_code cancelled;
        co_await timer->async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
    }
    co_return answer(question);
}

std::size_t Zone::count(std::string_view type) const {
    const std::string start = std::string(type) + " ";
    return static_cast<std::size_t>(
        std::count_if(asked.begin(), asked.end(),
                      [&](const std::string& question) { return question.starts_with(start); }));
}

void Zone::release() {
    held_ = false;
    for (const auto& timer : std::exchange(waiting_, {}))
        timer->cancel();
}

} // namespace surehop::test
