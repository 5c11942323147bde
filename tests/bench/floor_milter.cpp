// SPDX-License-Identifier: Apache-2.0

// The least that a filter on libmilter can do: it negotiates what surehopd negotiates, reads the
// macros that surehopd reads, and accepts. floor_milter SOCKET [tag]: with tag it adds a header.

#include <libmilter/mfapi.h>

#include <cstdio>
#include <cstring>
#include <string>

namespace {

bool tags = false;

sfsistat negotiate(SMFICTX*, unsigned long actions, unsigned long steps, unsigned long,
                   unsigned long, unsigned long* our_actions, unsigned long* our_steps,
                   unsigned long* more, unsigned long* still_more) {
    *our_actions = actions & SMFIF_ADDHDRS;
    *our_steps =
        steps & (SMFIP_NOHELO | SMFIP_NOUNKNOWN | SMFIP_NR_CONN | SMFIP_NR_HDR | SMFIP_NOBODY);
    *more = *still_more = 0;
    return SMFIS_CONTINUE;
}

sfsistat rcpt(SMFICTX* session, char**) {
    std::size_t octets = 0;
    for (const char* name : {"{rcpt_mailer}", "{rcpt_host}", "{rcpt_addr}"}) {
        std::string word = name;
        if (const char* value = smfi_getsymval(session, word.data()))
            octets += std::strlen(value);
    }
    return octets == 0 ? SMFIS_TEMPFAIL : SMFIS_CONTINUE;
}

sfsistat end(SMFICTX* session) {
    std::string name = "X-Floor", value = "fixed";
    if (tags && smfi_addheader(session, name.data(), value.data()) != MI_SUCCESS)
        return SMFIS_TEMPFAIL;
    return SMFIS_CONTINUE;
}

} // namespace

int main(int count, char** words) {
    if (count < 2)
        return 64;
    tags = count > 2 && std::string(words[2]) == "tag";
    std::string name = "floor";
    smfiDesc filter{};
    filter.xxfi_name = name.data();
    filter.xxfi_version = SMFI_VERSION;
    filter.xxfi_flags = SMFIF_ADDHDRS;
    filter.xxfi_connect = [](SMFICTX*, char*, _SOCK_ADDR*) -> sfsistat { return SMFIS_CONTINUE; };
    filter.xxfi_envfrom = [](SMFICTX*, char**) -> sfsistat { return SMFIS_CONTINUE; };
    filter.xxfi_envrcpt = rcpt;
    filter.xxfi_data = [](SMFICTX*) -> sfsistat { return SMFIS_CONTINUE; };
    filter.xxfi_header = [](SMFICTX*, char*, char*) -> sfsistat { return SMFIS_CONTINUE; };
    filter.xxfi_eoh = [](SMFICTX*) -> sfsistat { return SMFIS_CONTINUE; };
    filter.xxfi_eom = end;
    filter.xxfi_abort = [](SMFICTX*) -> sfsistat { return SMFIS_CONTINUE; };
    filter.xxfi_close = [](SMFICTX*) -> sfsistat { return SMFIS_CONTINUE; };
    filter.xxfi_negotiate = negotiate;
    smfi_setbacklog(1024);
    if (smfi_setconn(words[1]) != MI_SUCCESS || smfi_register(filter) != MI_SUCCESS ||
        smfi_opensocket(true) != MI_SUCCESS) {
        std::fprintf(stderr, "cannot listen on %s\n", words[1]);
        return 1;
    }
    return smfi_main() == MI_SUCCESS ? 0 : 1;
}
