// SPDX-License-Identifier: Apache-2.0
#include "store/facts_of_v6.h"

#include "base/log.h"
#include "facts/stored_facts.h"
#include "facts/stored_facts_v1.h"

#include <cstdint>

namespace surehop {

Status take_facts_of_v6(Database& database) {
    // By key, as the new table has them: each row goes at its end.
    auto old = database.prepare(
        "SELECT key, body, learnt, until, used, binds, refresh FROM facts_of_v6 ORDER BY key");
    if (!old)
        return Error{old.error()};
    auto insert =
        database.prepare("INSERT INTO facts (key, body, learnt, until, used, binds, refresh) "
                         "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
    if (!insert)
        return Error{insert.error()};
    std::uint64_t damaged = 0;
    for (;;) {
        const auto row = old->step();
        if (!row)
            return Error{row.error()};
        if (!*row)
            break;
        const auto facts = from_store_v1(old->text(1));
        if (!facts) {
            ++damaged;
            continue;
        }
        insert->bind(1, old->text(0)).bind_octets(2, to_store(*facts));
        for (int column = 2; column <= 6; ++column)
            insert->bind(column + 1, old->number(column));
        if (auto done = insert->run(); !done)
            return done;
        insert->reset();
    }
    if (damaged > 0)
        log::warning("what the store knew of {} next hops cannot be read; they are looked up again",
                     damaged);
    return Done{};
}

} // namespace surehop
