// SPDX-License-Identifier: Apache-2.0
#include "address/domain.h"

#include "base/text.h"

#include <fmt/format.h>
#include <idn2.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

namespace surehop {

namespace {

constexpr std::size_t longest_name = 253; // 255 on the wire (RFC 1035 §2.3.4), less root and length
constexpr std::size_t longest_label = 63;
constexpr std::size_t longest_input = 1024; // U-labels take up to four octets a character
constexpr const char* foreign_character = "it holds a character that names cannot have";

Error not_a_name(std::string_view text, std::string_view why) {
    return Error{fmt::format("'{}' is not a domain name: {}", printable(text, 80), why)};
}

bool may_stand_in_a_name(char c) { return is_letter_or_digit(c) || c == '-' || c == '_'; }

// RFC 5891 §5 with the UTS 46 mapping. Never with IDN2_USE_STD3_ASCII_RULES: libidn2 then leaves
// the forbidden characters out and returns another name.
Result<std::string> to_a_label(const std::string& label) {
    char* out = nullptr;
    const int status = idn2_lookup_u8(reinterpret_cast<const std::uint8_t*>(label.c_str()),
                                      reinterpret_cast<std::uint8_t**>(&out),
                                      IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    const std::unique_ptr<char, decltype(&idn2_free)> owner(out, idn2_free);
    if (status != IDN2_OK || out == nullptr)
        return Error{idn2_strerror(status)};
    return std::string(out);
}

// Only labels outside ASCII go to libidn2: it refuses hyphens in the third and fourth place and
// other things that names of DNS records have.
Result<std::string> to_ascii(std::string_view text) {
    if (is_ascii(text)) // as nearly every name is
        return lower(text);
    for (const char c : text) // before the mapping, which may leave it out
        if (static_cast<unsigned char>(c) < 0x80 && c != '.' && !may_stand_in_a_name(c))
            return Error{foreign_character};
    std::vector<std::string> labels;
    for (const std::string_view label : split(text, '.')) {
        Result<std::string> converted =
            is_ascii(label) ? lower(label) : to_a_label(std::string(label));
        if (!converted)
            return converted;
        labels.push_back(*std::move(converted));
    }
    return join(labels, ".");
}

std::optional<std::string> fault_of_label(std::string_view label) {
    if (label.empty())
        return "a label is empty";
    if (label.size() > longest_label)
        return "a label is longer than 63 octets";
    // After the mapping, which turns U+2100 into a/c.
    if (!std::all_of(label.begin(), label.end(), may_stand_in_a_name))
        return foreign_character;
    // RFC 5321 §4.1.2, sub-domain.
    if (label.front() == '-' || label.back() == '-')
        return "a label begins or ends with a hyphen";
    if (label.starts_with("xn--")) {
        if (label.find('_') != std::string_view::npos)
            return "an A-label has an underscore";
        const auto same = to_a_label(std::string(label)); // the round trip, RFC 5891 §5.4
        if (!same)
            return same.error();
        if (*same != label)
            return "an A-label stands for no U-label";
    }
    return std::nullopt;
}

} // namespace

Result<Domain> Domain::parse(std::string_view text) {
    if (text.size() > longest_input)
        return not_a_name(text, "it is too long");
    auto ascii = to_ascii(text);
    if (!ascii)
        return not_a_name(text, ascii.error());
    std::string name = *std::move(ascii);
    if (name.ends_with('.')) // the root; nobody compares with it (RFC 5321 §2.3.5)
        name.pop_back();
    if (name.empty())
        return not_a_name(text, "it is empty");
    if (name.size() > longest_name)
        return not_a_name(text, "it is longer than 253 octets");

    std::string_view last; // each label in its turn, and no list of them: this runs at each RCPT
    for (std::size_t begin = 0; begin <= name.size(); begin += last.size() + 1) {
        last = std::string_view(name).substr(begin, name.find('.', begin) - begin);
        if (const auto fault = fault_of_label(last))
            return not_a_name(text, *fault);
    }
    // No top-level name is a number (RFC 1123 §2.1, RFC 3696 §2): this is an address, or nothing.
    if (std::all_of(last.begin(), last.end(), is_digit))
        return not_a_name(text, "it ends in a number, as addresses do");
    return Domain(std::move(name));
}

bool Domain::is_within(const Domain& ancestor) const {
    const std::string_view name = text_, above = ancestor.text_;
    if (!name.ends_with(above))
        return false;
    return name.size() == above.size() || name[name.size() - above.size() - 1] == '.';
}

std::string_view Domain::parent() const {
    const auto dot = text_.find('.');
    return dot == std::string::npos ? std::string_view{} : std::string_view(text_).substr(dot + 1);
}

} // namespace surehop
