#include "commands/config_files.h"

#include "daemon/journals.h"
#include "daemon/upstream_source.h"

static void add_fault(const struct config *config, const char *name, const struct fault *why,
                      struct config_faults *faults)
{
    bool placed = config->path && str_starts(str_of(why->text), str_of(config->path));
    if (!why->text[0])
        return;
    buf_printf(&faults->text, "%s%s%s\n", placed ? "" : name, placed ? "" : ": ", why->text);
    faults->errors++;
}

void config_files_check(const struct config *config, const char *name, struct config_faults *faults)
{
    const struct upstream_source source = {0};
    struct upstream_set *upstreams = NULL;
    struct tls_server *tls = NULL;
    struct origin_parent *parent = NULL;
    struct proxy_users *users = NULL;
    struct fault why[5] = {0};
    (void)!serving_load_tls(config, &tls, &why[0]);
    (void)!upstream_source_build(&source, config, &upstreams, &why[1]);
    (void)!serving_load_parent(config, &parent, &why[2]);
    (void)!serving_load_users(config, &users, &why[3]);
    (void)!journals_check(config, &why[4]);
    for (size_t i = 0; i < sizeof why / sizeof why[0]; i++)
        add_fault(config, name, &why[i], faults);
    upstream_set_unref(upstreams);
    tls_server_unref(tls);
    origin_parent_free(parent);
    proxy_users_unref(users);
}
