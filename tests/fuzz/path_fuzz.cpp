// SPDX-License-Identifier: Apache-2.0
#include "address/path.h"
#include "base/text.h"

#include "fuzz/require.h"

#include <string>

using namespace surehop;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input = fuzz::text_of(data, size);
    Path::Failure failure{};
    const auto path = Path::parse(input, &failure);
    require(static_cast<bool>(Path::parse(input)) == static_cast<bool>(path),
            "the second argument changes nothing");
    if (!path) {
        fuzz::require_error(path.error());
        require(failure.text == path.error(), "both tell the same");
        return 0;
    }

    const std::string text = path->text();
    require(text.size() + 2 <= 256, "limits of RFC 5321 §4.5.3.1");
    require(!path->domain() || !path->literal(), "a domain or a literal");
    require(path->is_null() == text.empty(), "only the null path prints as nothing");
    for (const char c : text)
        require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f, "no control character");
    if (path->domain())
        require(text.ends_with("@" + path->domain()->text()), "the domain is at the end");
    if (path->literal())
        require(text.ends_with("@[" + *path->literal() + "]"), "the literal is at the end");

    // Replies, logs and the ledger carry it: nobody ends a line or an address in one early.
    require(is_utf8(text) && is_utf8(path->local()), "text");
    require(text.find_first_of("\r\n") == std::string::npos, "one line");

    for (const std::string& same : {text, "<" + text + ">"}) {
        const auto again = Path::parse(same);
        require(again && *again == *path, "what is printed is read as the same path");
    }
    if (path->domain() && text.size() < 240) {
        const auto routed = Path::parse("<@a.test:" + text + ">");
        require(routed && *routed == *path, "a source route changes nothing");
    }
    return 0;
}
