// SPDX-License-Identifier: Apache-2.0
#include "cmd/command_parts.h"

#include "cmd/doctor.h"

namespace surehop {

CommandParts command_parts(Engine& engine) {
    return CommandParts{engine.gate,
                        engine.facts,
                        *engine.opened.allowlist,
                        engine.ledger,
                        *engine.opened.promises,
                        engine.clock,
                        [&engine] { return engine.current.get()->site; },
                        [&engine] { return examine(engine); },
                        [] { return Json{{"running", false}}; },
                        [](const Peer&) { return control_error("surehopd is not running"); },
                        [&engine] { return engine.current.get()->allow.terms(); }};
}

} // namespace surehop
