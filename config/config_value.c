/* Values of options: text to place and back. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "config/config_schema.h"

struct unit {
    const char *text;
    uint64_t factor;
};

static const struct unit durations[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
static const struct unit sizes[] = {{"", 1}, {"B", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}};

static void *place(const struct config_option *option, void *base)
{
    return (char *)base + option->offset;
}

static const void *place_const(const struct config_option *option, const void *base)
{
    return (const char *)base + option->offset;
}

bool option_is_list(const struct config_option *option)
{
    return option->type == OPTION_ADDRESSES || option->type == OPTION_NETWORKS || option->type == OPTION_PORTS ||
           option->type == OPTION_TEXTS || option->type == OPTION_UPSTREAMS;
}

static enum status find_word(const struct words *words, struct str text, int *value, struct fault *why)
{
    for (int i = 0; i < words->count; i++)
        if (str_eq(str_of(words->text(i)), text)) {
            *value = i;
            return ST_OK;
        }
    struct buf list = {0};
    for (int i = 0; i < words->count; i++)
        buf_printf(&list, "%s%s", i ? ", " : "", words->text(i));
    enum status status =
        fault_set(why, ST_INVALID, "'%.*s' is none of: %s", (int)text.length, text.data, buf_text(&list));
    buf_free(&list);
    return status;
}

static enum status parse_with_unit(struct str text, const struct unit *units, size_t unit_count, uint64_t *value)
{
    size_t digits = 0;
    while (digits < text.length && ascii_digit(text.data[digits]))
        digits++;
    struct str suffix = str_from(text, digits);
    for (size_t i = 0; i < unit_count; i++)
        if (str_eq(suffix, str_of(units[i].text))) {
            uint64_t number;
            enum status status = text_u64((struct str){text.data, digits}, UINT64_MAX / units[i].factor, &number);
            if (status == ST_OK)
                *value = number * units[i].factor;
            return status;
        }
    return ST_INVALID;
}

enum status duration_parse(struct str text, uint64_t *ms)
{
    return parse_with_unit(text, durations, sizeof durations / sizeof durations[0], ms);
}

static enum status set_number(const struct config_option *option, void *base, struct str text, struct fault *why)
{
    uint64_t value = 0;
    enum status status;
    if (option->type == OPTION_DURATION)
        status = duration_parse(text, &value);
    else if (option->type == OPTION_SIZE)
        status = parse_with_unit(text, sizes, sizeof sizes / sizeof sizes[0], &value);
    else
        status = text_u64(text, UINT64_MAX, &value);
    if (status == ST_INVALID)
        return fault_set(why, ST_INVALID, "'%.*s' is no %s", (int)text.length, text.data,
                         option->type == OPTION_DURATION ? "time: write it like 500ms, 10s, 5m, 1h or 7d"
                         : option->type == OPTION_SIZE   ? "size: write it like 512KiB, 16MiB or 1GiB"
                                                         : "whole number");
    if (status != ST_OK || value < option->min || value > option->max) {
        struct buf range = {0};
        option_format_range(option, &range);
        status =
            fault_set(why, ST_INVALID, "'%.*s' is out of range: %s", (int)text.length, text.data, buf_text(&range));
        buf_free(&range);
        return status;
    }
    memcpy(place(option, base), &value, sizeof value);
    return ST_OK;
}

enum { ELEMENT_MAX_BYTES = 2000 }; /* of OPTION_TEXTS, whose max bounds the elements */

/* A copy of what may stand there, for the caller to free. */
static enum status copy_text(const struct config_option *option, struct str text, char **copy, struct fault *why)
{
    uint64_t min = option->type == OPTION_TEXTS ? 1 : option->min;
    uint64_t max = option->type == OPTION_TEXTS ? ELEMENT_MAX_BYTES : option->max;
    if (text.length < min)
        return fault_set(why, ST_INVALID, "must not be empty");
    if (text.length > max)
        return fault_set(why, ST_INVALID, "is too long: at most %" PRIu64 " bytes", max);
    for (size_t i = 0; i < text.length; i++)
        if ((unsigned char)text.data[i] < ' ' || text.data[i] == 0x7f)
            return fault_set(why, ST_INVALID, "has a control character");
    if (option->check && option->check(text, why) != ST_OK)
        return ST_INVALID;
    *copy = strndup(text.length ? text.data : "", text.length);
    return *copy ? ST_OK : fault_set(why, ST_NOMEM, "out of memory");
}

static enum status set_text(const struct config_option *option, void *base, struct str text, struct fault *why)
{
    char *copy, **at = place(option, base);
    enum status status = copy_text(option, text, &copy, why);
    if (status == ST_OK) {
        free(*at);
        *at = copy;
    }
    return status;
}

/* Appends one element of SIZE to a list { items, count } at the option's place. */
static enum status append(const struct config_option *option, void *base, const void *element, size_t size,
                          struct fault *why)
{
    struct {
        void *items;
        size_t count;
    } *list = place(option, base);
    if (list->count >= option->max)
        return fault_set(why, ST_INVALID, "has too many elements: at most %" PRIu64, option->max);
    void *items = realloc(list->items, (list->count + 1) * size);
    if (!items)
        return fault_set(why, ST_NOMEM, "out of memory");
    memcpy((char *)items + list->count * size, element, size);
    list->items = items;
    list->count++;
    return ST_OK;
}

static enum status append_address(const struct config_option *option, void *base, struct str text, struct fault *why)
{
    struct addr addr;
    if (addr_parse(text, (uint16_t)option->min, &addr) != ST_OK)
        return fault_set(why, ST_INVALID, "'%.*s' is no address: write it like 127.0.0.1:53 or [::1]:53",
                         (int)text.length, text.data);
    return append(option, base, &addr, sizeof addr, why);
}

static enum status append_network(const struct config_option *option, void *base, struct str text, struct fault *why)
{
    struct network network;
    if (network_parse(text, &network) != ST_OK)
        return fault_set(why, ST_INVALID,
                         "'%.*s' is no network: write it like 192.168.1.0/24 (no bits set after the prefix) or ::1",
                         (int)text.length, text.data);
    return append(option, base, &network, sizeof network, why);
}

static enum status append_port(const struct config_option *option, void *base, struct str text, struct fault *why)
{
    uint64_t number;
    if (text_u64(text, 65535, &number) != ST_OK || !number)
        return fault_set(why, ST_INVALID, "'%.*s' is no port: 1 to 65535", (int)text.length, text.data);
    uint16_t port = (uint16_t)number;
    return append(option, base, &port, sizeof port, why);
}

static enum status append_text(const struct config_option *option, void *base, struct str text, struct fault *why)
{
    char *copy;
    enum status status = copy_text(option, text, &copy, why);
    if (status != ST_OK)
        return status;
    status = append(option, base, &copy, sizeof copy, why);
    if (status != ST_OK)
        free(copy);
    return status;
}

static enum status append_upstream(const struct config_option *option, void *base, struct str text, struct fault *why)
{
    struct upstream_address address;
    enum status status = upstream_address_parse(text, &address, why);
    return status == ST_OK ? append(option, base, &address, sizeof address, why) : status;
}

enum status option_set(const struct config_option *option, void *base, struct str text, struct fault *why)
{
    switch (option->type) {
    case OPTION_TEXT:
        return set_text(option, base, text, why);
    case OPTION_COUNT:
    case OPTION_DURATION:
    case OPTION_SIZE:
        return set_number(option, base, text, why);
    case OPTION_WORD:
        return find_word(option->words, text, place(option, base), why);
    case OPTION_ADDRESSES:
        return append_address(option, base, text, why);
    case OPTION_NETWORKS:
        return append_network(option, base, text, why);
    case OPTION_PORTS:
        return append_port(option, base, text, why);
    case OPTION_TEXTS:
        return append_text(option, base, text, why);
    case OPTION_UPSTREAMS:
        return append_upstream(option, base, text, why);
    case OPTION_BY_CATEGORY:
        return option_set_category(option, base, STR("default"), text, why);
    }
    CHECK(!"a type of option");
    return ST_INVALID;
}

enum status option_set_category(const struct config_option *option, void *base, struct str category, struct str text,
                                struct fault *why)
{
    int value;
    int *values = place(option, base);
    enum status status = find_word(option->words, text, &value, why);
    if (status != ST_OK)
        return status;
    if (str_eq(category, STR("default"))) {
        for (int i = 0; i < CATEGORY_COUNT; i++)
            values[i] = value;
        return ST_OK;
    }
    enum category which;
    if (category_parse(category, &which) != ST_OK)
        return fault_set(why, ST_INVALID, "'%.*s' is no category", (int)category.length, category.data);
    values[which] = value;
    return ST_OK;
}

static enum status set_default_element(const struct config_option *option, void *base, struct str text)
{
    struct str category, word;
    if (option->type == OPTION_BY_CATEGORY && str_cut(text, ':', &category, &word))
        return option_set_category(option, base, category, str_trim(word), NULL);
    return option_set(option, base, text, NULL);
}

enum status option_set_default(const struct config_option *option, void *base)
{
    struct str rest = str_of(option->default_text);
    if (!option_is_list(option) && option->type != OPTION_BY_CATEGORY)
        return option_set(option, base, rest, NULL);
    while (rest.length) {
        struct str element = rest, after = {0};
        str_cut(rest, ',', &element, &after);
        enum status status = set_default_element(option, base, str_trim(element));
        if (status != ST_OK)
            return status;
        rest = after;
    }
    return ST_OK;
}

void option_clear(const struct config_option *option, void *base)
{
    if (option->type != OPTION_TEXT && !option_is_list(option))
        return;
    struct text_list *texts = place(option, base);
    for (size_t i = 0; option->type == OPTION_TEXTS && i < texts->count; i++)
        free(texts->items[i]);
    void **at = place(option, base); /* both keep their memory in the first member */
    free(*at);
    memset(at, 0, option_is_list(option) ? sizeof(struct addr_list) : sizeof(char *));
}

size_t option_elements(const struct config_option *option, const void *base)
{
    const struct addr_list *list = place_const(option, base);
    return option_is_list(option) ? list->count : 1;
}

static void format_with_unit(uint64_t value, const struct unit *units, size_t unit_count, struct buf *out)
{
    size_t best = 0;
    for (size_t i = 1; i < unit_count; i++)
        if (value && value % units[i].factor == 0 && units[i].text[0] != 'B')
            best = i;
    buf_printf(out, "%" PRIu64 "%s", value / units[best].factor, units[best].text);
}

static void format_number(const struct config_option *option, uint64_t value, struct buf *out)
{
    if (option->type == OPTION_DURATION)
        format_with_unit(value, durations, sizeof durations / sizeof durations[0], out);
    else if (option->type == OPTION_SIZE)
        format_with_unit(value, sizes, sizeof sizes / sizeof sizes[0], out);
    else
        buf_printf(out, "%" PRIu64, value);
}

/* A YAML double-quoted scalar; plain where no quoting is needed. */
static void format_text(const char *text, struct buf *out)
{
    size_t safe = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/-");
    if (*text && !text[safe] && *text != '-') {
        buf_add_text(out, text);
        return;
    }
    buf_add_char(out, '"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            buf_add_char(out, '\\');
        buf_add_char(out, *text);
    }
    buf_add_char(out, '"');
}

void option_format(const struct config_option *option, const void *base, size_t element, struct buf *out)
{
    const void *at = place_const(option, base);
    char text[UPSTREAM_TEXT_SIZE];
    uint64_t number;
    switch (option->type) {
    case OPTION_TEXT:
        format_text(*(char *const *)at, out);
        return;
    case OPTION_COUNT:
    case OPTION_DURATION:
    case OPTION_SIZE:
        memcpy(&number, at, sizeof number);
        format_number(option, number, out);
        return;
    case OPTION_WORD:
        buf_add_text(out, option->words->text(*(const int *)at));
        return;
    case OPTION_BY_CATEGORY:
        buf_add_text(out, option->words->text(((const int *)at)[element]));
        return;
    case OPTION_ADDRESSES:
        addr_format(&((const struct addr_list *)at)->items[element], text);
        buf_printf(out, "\"%s\"", text);
        return;
    case OPTION_NETWORKS:
        network_format(&((const struct network_list *)at)->items[element], text);
        buf_printf(out, "\"%s\"", text);
        return;
    case OPTION_PORTS:
        buf_printf(out, "%u", ((const struct port_list *)at)->items[element]);
        return;
    case OPTION_TEXTS:
        format_text(((const struct text_list *)at)->items[element], out);
        return;
    case OPTION_UPSTREAMS:
        upstream_address_format(&((const struct upstream_list *)at)->items[element], text);
        buf_printf(out, "\"%s\"", text);
        return;
    }
}

void option_format_range(const struct config_option *option, struct buf *out)
{
    switch (option->type) {
    case OPTION_COUNT:
    case OPTION_DURATION:
    case OPTION_SIZE:
        format_number(option, option->min, out);
        buf_add_text(out, " to ");
        format_number(option, option->max, out);
        return;
    case OPTION_WORD:
    case OPTION_BY_CATEGORY:
        buf_add_text(out, "one of ");
        for (int i = 0; i < option->words->count; i++)
            buf_printf(out, "%s%s", i ? ", " : "", option->words->text(i));
        return;
    case OPTION_ADDRESSES:
        if (option->min > 1)
            buf_printf(out, "addresses; without a port, %" PRIu64 " is taken", option->min);
        return;
    case OPTION_NETWORKS:
        buf_add_text(out, "networks or addresses");
        return;
    case OPTION_PORTS:
        buf_add_text(out, "1 to 65535 each");
        return;
    case OPTION_UPSTREAMS:
        buf_add_text(out,
                     "192.0.2.1, [2001:db8::1]:53, tcp://192.0.2.1, tls://192.0.2.1#dns.example, tls://dns.example, "
                     "https://dns.example/dns-query");
        return;
    case OPTION_TEXT:
    case OPTION_TEXTS:
        return;
    }
}
