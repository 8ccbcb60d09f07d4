/* The proxy behind which we stand, where there is one: where it is, what it is told, and what goes past it. Made at
 * start, never changed, shared by all workers. */
#pragma once

#include "base/addr.h"
#include "base/dname.h"

enum parent_kind { PARENT_HTTP, PARENT_SOCKS5 };

enum { PARENT_LOGIN_MAX = 255 }; /* bytes of the user and of the password, each: RFC 1929 */

struct origin_parent {
    enum parent_kind kind;
    struct addr addr;  /* without an address (name has a length) the port alone */
    struct dname name; /* length 0: it is an address */
    bool by_name;      /* it is told the host's name, not the address that was judged */
    char user[PARENT_LOGIN_MAX + 1], password[PARENT_LOGIN_MAX + 1];
    bool has_login;

    struct network *direct_networks;
    struct dname *direct_domains;
    size_t direct_network_count, direct_domain_count;
};

/* Reads "http://HOST:PORT" or "socks5://HOST:PORT" into kind, addr and name. ST_INVALID with WHY for a person. */
enum status origin_parent_parse(struct str url, struct origin_parent *parent, struct fault *why) MUST_CHECK;
/* What goes past it: a domain (with all below), an address or a network. */
enum status origin_parent_parse_direct(struct str text, struct network *network, struct dname *domain,
                                       struct fault *why) MUST_CHECK;
/* Adds such a text, of which origin_parent_parse_direct() made nothing wrong. ST_INVALID, ST_NOMEM. */
enum status origin_parent_add_direct(struct origin_parent *parent, struct str text) MUST_CHECK;
/* "USER:PASSWORD". */
enum status origin_parent_set_login(struct origin_parent *parent, struct str login, struct fault *why) MUST_CHECK;
void origin_parent_free(struct origin_parent *parent); /* NULL is allowed; the login is wiped */

/* Whether the host NAME goes past the parent. */
bool origin_parent_skips_name(const struct origin_parent *parent, const struct dname *name);
bool origin_parent_skips_addr(const struct origin_parent *parent, const struct addr *addr);
