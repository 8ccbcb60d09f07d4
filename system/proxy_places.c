#include "system/proxy_places.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/local_networks.h"
#include "system/browser_policies.h"

#define BEGIN "# --- ccward system-proxy: the lines up to the end mark are taken out by `ccward system-proxy disable`\n"
#define END   "# --- end of ccward system-proxy\n"

static bool exists(const char *root, const char *path)
{
    char whole[PATH_MAX];
    return system_path(root, path, whole, sizeof whole) == ST_OK && access(whole, F_OK) == 0;
}

static bool always(const char *root)
{
    (void)root;
    return true;
}

bool proxy_choice_of(const struct config *config, struct proxy_choice *choice)
{
    const struct addr_list *all = &config->proxy.listen;
    unsigned best = 0;
    *choice = (struct proxy_choice){.direct = &config->proxy.pac_direct};
    for (size_t i = 0; i < all->count; i++) {
        struct addr addr = all->items[i];
        if (addr_is_unspecified(&addr))
            addr =
                addr_is_v4(&addr) ? addr_v4(0x7f000001, addr.port) : (struct addr){.ip = {[15] = 1}, .port = addr.port};
        unsigned merit = 1 + 2u * addr_is_loopback(&addr) + addr_is_v4(&addr);
        if (merit > best) {
            best = merit;
            choice->proxy = addr;
        }
    }
    return best;
}

static void add_host(struct buf *out, const struct proxy_choice *choice)
{
    char text[ADDR_TEXT_SIZE];
    addr_format_ip(&choice->proxy, text);
    buf_add_text(out, text);
}

static void add_address(struct buf *out, const struct proxy_choice *choice)
{
    char text[ADDR_TEXT_SIZE];
    addr_format(&choice->proxy, text);
    buf_add_text(out, text);
}

/* How a place writes what goes without the proxy. */
struct direct_style {
    const char *before, *after; /* around each */
    const char *domain;         /* before one with all below it */
    bool brackets;              /* around an IPv6 address: else its colons are taken for that of a port */
};
static const struct direct_style plain_style = {"", "", ".", false}, gnome_style = {"'", "'", "*.", false},
                                 firefox_style = {"", "", ".", true};

static void add_network(struct buf *out, const struct network *network, bool brackets)
{
    char text[ADDR_TEXT_SIZE];
    struct str whole, ip, prefix;
    network_format(network, text);
    whole = str_of(text);
    if (!str_cut(whole, '/', &ip, &prefix))
        ip = whole;
    brackets = brackets && memchr(ip.data, ':', ip.length);
    buf_printf(out, "%s%.*s%s", brackets ? "[" : "", (int)ip.length, ip.data, brackets ? "]" : "");
    if (network->prefix < 128)
        buf_printf(out, "/%.*s", (int)prefix.length, prefix.data);
}

static void add_direct(struct buf *out, const struct proxy_choice *choice, const struct direct_style *style)
{
    buf_printf(out, "%slocalhost%s", style->before, style->after);
    for (size_t i = 0; i < choice->direct->count; i++)
        buf_printf(out, ",%s%s%s%s", style->before, style->domain, choice->direct->items[i], style->after);
    for (size_t i = 0; i < LOCAL_NETWORKS; i++) {
        buf_printf(out, ",%s", style->before);
        add_network(out, &local_networks[i], style->brackets);
        buf_add_text(out, style->after);
    }
}

static struct str bytes_of(const struct file_image *image)
{
    return (struct str){image->bytes.data, image->bytes.length};
}

/* --- Variables of the environment --- */

static void add_variables(struct buf *out, const struct proxy_choice *choice)
{
    static const char *const names[] = {"http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        buf_printf(out, "%s=http://", names[i]);
        add_address(out, choice);
        buf_add_char(out, '\n');
    }
    for (int upper = 0; upper < 2; upper++) {
        buf_add_text(out, upper ? "NO_PROXY=" : "no_proxy=");
        add_direct(out, choice, &plain_style);
        buf_add_char(out, '\n');
    }
}

static enum status apply_environment(const struct proxy_choice *choice, const struct file_image *original,
                                     struct buf *out, struct fault *fault)
{
    (void)fault;
    struct str before = bytes_of(original);
    buf_add(out, before.data, before.length);
    if (before.length && before.data[before.length - 1] != '\n')
        buf_add_char(out, '\n');
    buf_add_text(out, BEGIN);
    add_variables(out, choice);
    buf_add_text(out, END);
    return ST_OK;
}

static struct str cut_line(struct str *text)
{
    const char *end = memchr(text->data, '\n', text->length);
    struct str line = {text->data, end ? (size_t)(end - text->data) + 1 : text->length};
    *text = str_from(*text, line.length);
    return line;
}

/* Whether a line of TEXT, from the begin mark on where FROM_BEGIN, is WANTED. */
static bool has_line(struct str text, struct str wanted, bool from_begin)
{
    bool within = !from_begin;
    while (text.length) {
        struct str line = cut_line(&text);
        within = within || str_eq(line, STR(BEGIN));
        if (within && str_eq(line, wanted))
            return true;
    }
    return false;
}

/* Where the end mark is lost, lines of others may follow ours: only those go that stand in OURS. */
static enum status strip_environment(const struct file_image *now, const struct file_image *original,
                                     const struct file_image *ours, struct buf *out, bool *any)
{
    (void)original;
    struct str rest = bytes_of(now);
    bool within = false, ended = false;
    *any = false;
    while (rest.length) {
        struct str line = cut_line(&rest);
        bool begins = str_eq(line, STR(BEGIN));
        if (begins)
            ended = has_line(rest, STR(END), false);
        within = within || begins;
        *any = *any || within;
        if (!within || !(begins || ended || (ours && has_line(bytes_of(ours), line, true))))
            buf_add(out, line.data, line.length);
        within = within && !str_eq(line, STR(END));
    }
    return ST_OK;
}

/* A file of our own. */
static enum status apply_environment_d(const struct proxy_choice *choice, const struct file_image *original,
                                       struct buf *out, struct fault *fault)
{
    (void)original, (void)fault;
    add_variables(out, choice);
    return ST_OK;
}

static enum status strip_own(const struct file_image *now, const struct file_image *original,
                             const struct file_image *ours, struct buf *out, bool *any)
{
    (void)original, (void)ours, (void)out;
    *any = now->kind != IMAGE_ABSENT;
    return ST_OK;
}

/* --- GNOME: a database of defaults of the system, named in the profile --- */

static bool has_gnome(const char *root)
{
    return exists(root, "/usr/bin/dconf") || exists(root, "/etc/dconf");
}

static void add_gnome_hosts(struct buf *out, const struct proxy_choice *choice)
{
    buf_add_char(out, '[');
    add_direct(out, choice, &gnome_style);
    buf_add_char(out, ']');
}

void proxy_gnome_settings(const struct proxy_choice *choice, struct gnome_setting settings[GNOME_SETTINGS])
{
    static const char *const schemas[] = {"org.gnome.system.proxy.http", "org.gnome.system.proxy.https"};
    struct buf hosts = {0};
    char ip[ADDR_TEXT_SIZE];
    addr_format_ip(&choice->proxy, ip);
    for (size_t i = 0; i < 2; i++) {
        settings[2 * i] = (struct gnome_setting){.schema = schemas[i], .key = "host"};
        snprintf(settings[2 * i].value, sizeof settings[0].value, "'%s'", ip);
        settings[2 * i + 1] = (struct gnome_setting){.schema = schemas[i], .key = "port"};
        snprintf(settings[2 * i + 1].value, sizeof settings[0].value, "%u", choice->proxy.port);
    }
    add_gnome_hosts(&hosts, choice);
    settings[4] = (struct gnome_setting){.schema = "org.gnome.system.proxy", .key = "ignore-hosts"};
    text_copy(settings[4].value, sizeof settings[4].value, str_of(buf_text(&hosts)));
    settings[5] = (struct gnome_setting){"org.gnome.system.proxy", "mode", "'manual'"}; /* last: the rest is there */
    buf_free(&hosts);
}

static enum status apply_dconf(const struct proxy_choice *choice, const struct file_image *original, struct buf *out,
                               struct fault *fault)
{
    (void)original, (void)fault;
    buf_add_text(out, "# Written by `ccward system-proxy enable`.\n[system/proxy]\nmode='manual'\nignore-hosts=");
    add_gnome_hosts(out, choice);
    for (int secure = 0; secure < 2; secure++) {
        buf_printf(out, "\n\n[system/proxy/%s]\nhost='", secure ? "https" : "http");
        add_host(out, choice);
        buf_printf(out, "'\nport=%u", choice->proxy.port);
    }
    buf_add_char(out, '\n');
    return ST_OK;
}

static const char dconf_line[] = "system-db:ccward\n";

static enum status apply_profile(const struct proxy_choice *choice, const struct file_image *original, struct buf *out,
                                 struct fault *fault)
{
    (void)choice, (void)fault;
    struct str before = bytes_of(original);
    if (original->kind == IMAGE_ABSENT)
        before = STR("user-db:user\n"); /* what holds without a profile */
    buf_add(out, before.data, before.length);
    if (before.length && before.data[before.length - 1] != '\n')
        buf_add_char(out, '\n');
    buf_add_text(out, dconf_line);
    return ST_OK;
}

static enum status strip_profile(const struct file_image *now, const struct file_image *original,
                                 const struct file_image *ours, struct buf *out, bool *any)
{
    (void)ours;
    struct str rest = bytes_of(now);
    *any = false;
    while (rest.length) {
        const char *end = memchr(rest.data, '\n', rest.length);
        struct str line = {rest.data, end ? (size_t)(end - rest.data) + 1 : rest.length};
        rest = str_from(rest, line.length);
        if (str_eq(line, str_of(dconf_line)))
            *any = true;
        else
            buf_add(out, line.data, line.length);
    }
    if (*any && original && original->kind == IMAGE_ABSENT && !strcmp(buf_text(out), "user-db:user\n"))
        buf_clear(out);
    return ST_OK;
}

/* --- KDE: a group of keys in a file of many --- */

static const char kde_group[] = "[Proxy Settings]";
static const char *const kde_keys[] = {"ProxyType", "httpProxy", "httpsProxy", "NoProxyFor", "ReversedException"};
enum { KDE_KEYS = sizeof kde_keys / sizeof kde_keys[0] };

static bool has_kde(const char *root)
{
    static const char *const signs[] = {"/usr/bin/plasmashell", "/usr/bin/kwriteconfig5", "/usr/bin/kwriteconfig6",
                                        "/usr/bin/kioclient5", "/etc/xdg/kioslaverc"};
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
        if (exists(root, signs[i]))
            return true;
    return false;
}

/* ROOT is the user's home. */
static bool has_kde_of_user(const char *root)
{
    return has_kde("") || exists(root, "/.config/kioslaverc");
}

/* The value of KEY in the group; false: it has none. */
static bool kde_get(struct str text, const char *key, struct str *value)
{
    struct str line, name;
    bool within = false, found = false;
    while (text.length) {
        line = text;
        if (!str_cut(text, '\n', &line, &text))
            text = (struct str){0};
        if (line.length && line.data[0] == '[')
            within = str_eq(str_trim(line), str_of(kde_group));
        else if (within && str_cut(line, '=', &name, &line) && str_eq(str_trim(name), str_of(key))) {
            *value = line;
            found = true;
        }
    }
    return found;
}

/* TEXT with the keys of the group that have VALUES set to those, and without the others of them. */
static void kde_set(struct buf *out, struct str text, const struct str values[KDE_KEYS], const bool has[KDE_KEYS])
{
    bool within = false, done = false, any = false;
    for (size_t i = 0; i < KDE_KEYS; i++)
        any = any || has[i];
    while (text.length || (any && !done)) {
        struct str line = text, name, value, after = {0};
        bool ended = !text.length;
        bool cut = !ended && str_cut(text, '\n', &line, &after);
        text = after;
        bool head = !ended && line.length && line.data[0] == '[';
        bool ours = false;
        if (within && !head && !ended && str_cut(line, '=', &name, &value))
            for (size_t i = 0; i < KDE_KEYS; i++)
                ours = ours || str_eq(str_trim(name), str_of(kde_keys[i]));
        if (ended) {
            buf_printf(out, "%s%s\n", out->length && out->data[out->length - 1] != '\n' ? "\n" : "", kde_group);
        } else if (!ours) {
            buf_add(out, line.data, line.length);
            if (cut || head)
                buf_add_char(out, '\n');
        }
        if (head)
            within = str_eq(str_trim(line), str_of(kde_group));
        if (done || !any || !(ended || (head && within)))
            continue;
        for (size_t i = 0; i < KDE_KEYS; i++)
            if (has[i])
                buf_printf(out, "%s=%.*s\n", kde_keys[i], (int)values[i].length, values[i].data);
        done = true;
    }
}

static enum status apply_kde(const struct proxy_choice *choice, const struct file_image *original, struct buf *out,
                             struct fault *fault)
{
    (void)fault;
    struct buf proxy = {0}, direct = {0};
    static const bool all[KDE_KEYS] = {true, true, true, true, true};
    buf_add_text(&proxy, "http://");
    if (!addr_is_v4(&choice->proxy))
        buf_add_char(&proxy, '[');
    add_host(&proxy, choice);
    buf_printf(&proxy, "%s %u", addr_is_v4(&choice->proxy) ? "" : "]", choice->proxy.port); /* as KDE writes it */
    add_direct(&direct, choice, &plain_style);
    struct str address = str_of(buf_text(&proxy));
    struct str values[KDE_KEYS] = {STR("1"), address, address, str_of(buf_text(&direct)), STR("false")};
    kde_set(out, bytes_of(original), values, all);
    bool failed = proxy.failed || direct.failed;
    buf_free(&proxy);
    buf_free(&direct);
    return failed ? ST_NOMEM : ST_OK;
}

/* Keys that someone has changed since are theirs. */
static enum status strip_kde(const struct file_image *now, const struct file_image *original,
                             const struct file_image *ours, struct buf *out, bool *any)
{
    struct str values[KDE_KEYS] = {{0}}, written;
    bool has[KDE_KEYS] = {false};
    *any = false;
    for (size_t i = 0; i < KDE_KEYS; i++) {
        has[i] = kde_get(bytes_of(now), kde_keys[i], &values[i]);
        if (!has[i] || !ours || !kde_get(bytes_of(ours), kde_keys[i], &written) || !str_eq(values[i], written))
            continue;
        *any = true;
        has[i] = original && kde_get(bytes_of(original), kde_keys[i], &values[i]);
    }
    if (*any)
        kde_set(out, bytes_of(now), values, has);
    else
        buf_add(out, now->bytes.data, now->bytes.length);
    return ST_OK;
}

/* --- Browsers --- */

static enum status add_json_own(json_t *json, struct buf *out)
{
    char *text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;
    json_decref(json);
    buf_printf(out, "%s\n", text ? text : "");
    bool failed = !text;
    free(text);
    return failed ? ST_NOMEM : ST_OK;
}

static enum status apply_chromium(const struct proxy_choice *choice, const struct file_image *original, struct buf *out,
                                  struct fault *fault)
{
    (void)original, (void)fault;
    struct buf address = {0}, direct = {0};
    add_address(&address, choice);
    buf_add_text(&direct, "<local>"); /* names without a dot */
    for (size_t i = 0; i < choice->direct->count; i++)
        buf_printf(&direct, ";%s;*.%s", choice->direct->items[i], choice->direct->items[i]);
    for (size_t i = 0; i < LOCAL_NETWORKS; i++) {
        buf_add_char(&direct, ';');
        add_network(&direct, &local_networks[i], false);
    }
    enum status status =
        add_json_own(json_pack("{s:{s:s, s:s, s:s}}", "ProxySettings", "ProxyMode", "fixed_servers", "ProxyServer",
                               buf_text(&address), "ProxyBypassList", buf_text(&direct)),
                     out);
    buf_free(&address);
    buf_free(&direct);
    return status;
}

static json_t *firefox_proxy(const struct proxy_choice *choice)
{
    struct buf address = {0}, direct = {0};
    add_address(&address, choice);
    buf_add_text(&direct, "<local>, ");
    add_direct(&direct, choice, &firefox_style);
    json_t *json = json_pack("{s:s, s:b, s:s, s:b, s:s}", "Mode", "manual", "Locked", 0, "HTTPProxy",
                             buf_text(&address), "UseHTTPProxyForAllProtocols", 1, "Passthrough", buf_text(&direct));
    buf_free(&address);
    buf_free(&direct);
    return json;
}

static enum status apply_firefox(const struct proxy_choice *choice, const struct file_image *original, struct buf *out,
                                 struct fault *fault)
{
    json_t *all = firefox_policies_parse(bytes_of(original), fault);
    if (!all)
        return ST_INVALID;
    json_t *policies = json_member(all, "policies", json_object);
    enum status status = ST_OK;
    if (!json_is_object(policies))
        status = fault_set(fault, ST_INVALID, "`policies` is no object; put it right first");
    else if (json_object_get(policies, "Proxy"))
        status = fault_set(fault, ST_DENIED, "it sets another proxy: take `Proxy` out of it first");
    else if (json_object_set_new(policies, "Proxy", firefox_proxy(choice)))
        status = ST_NOMEM;
    if (status == ST_OK)
        return add_json_own(all, out);
    json_decref(all);
    return status;
}

static json_t *proxy_of(const struct file_image *image, json_t **all)
{
    *all = image ? firefox_policies_parse(bytes_of(image), NULL) : NULL;
    return json_object_get(json_object_get(*all, "policies"), "Proxy");
}

static enum status strip_firefox(const struct file_image *now, const struct file_image *original,
                                 const struct file_image *ours, struct buf *out, bool *any)
{
    (void)original;
    json_t *all, *written_all, *proxy = proxy_of(now, &all), *written = proxy_of(ours, &written_all);
    enum status status = ST_OK;
    *any = proxy && written && json_equal(proxy, written);
    if (*any) {
        json_t *policies = json_object_get(all, "policies");
        json_object_del(policies, "Proxy");
        if (!json_object_size(policies))
            json_object_del(all, "policies");
        if (json_object_size(all))
            status = add_json_own(json_incref(all), out);
    } else {
        buf_add(out, now->bytes.data, now->bytes.length);
    }
    json_decref(all);
    json_decref(written_all);
    return status;
}

static bool has_chromium(const char *root)
{
    return chromium_is_there(root, 0);
}

static bool has_chrome(const char *root)
{
    return chromium_is_there(root, 1);
}

static bool has_edge(const char *root)
{
    return chromium_is_there(root, 2);
}

static bool has_brave(const char *root)
{
    return chromium_is_there(root, 3);
}

#define POLICY(settings) settings "/policies/managed/ccward-proxy.json"

const struct proxy_place proxy_places[] = {
    {"programs started at a login", "/etc/environment", false, always, apply_environment, strip_environment},
    {"GNOME", PROXY_DCONF_DB ".d/proxy", false, has_gnome, apply_dconf, strip_own},
    {"GNOME", "/etc/dconf/profile/user", false, has_gnome, apply_profile, strip_profile},
    {"KDE", "/etc/xdg/kioslaverc", false, has_kde, apply_kde, strip_kde},
    {"Chromium", POLICY("/etc/chromium"), false, has_chromium, apply_chromium, strip_own},
    {"Chrome", POLICY("/etc/opt/chrome"), false, has_chrome, apply_chromium, strip_own},
    {"Edge", POLICY("/etc/opt/edge"), false, has_edge, apply_chromium, strip_own},
    {"Brave", POLICY("/etc/brave"), false, has_brave, apply_chromium, strip_own},
    {"Firefox", FIREFOX_POLICIES, false, firefox_is_there, apply_firefox, strip_firefox},
    {"programs of the session", "/.config/environment.d/ccward-proxy.conf", true, always, apply_environment_d,
     strip_own},
    {"KDE", "/.config/kioslaverc", true, has_kde_of_user, apply_kde, strip_kde},
};
const size_t proxy_place_count = sizeof proxy_places / sizeof proxy_places[0];
