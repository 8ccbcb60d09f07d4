/* The document of the user's own entries: JSON, an entry a line. Read strictly, since what is not understood would be
 * lost when it is written again. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "reputation/user_lists.h"

enum { SCHEMA = 1 };

struct reading {
    struct user_lists *lists;
    struct str text;
    const char *name;
    struct fault *fault;
};

/* Of the object INDEX of the list of entries: the third that is opened within two others. */
static unsigned line_of_entry(struct str text, size_t index)
{
    unsigned line = 1, depth = 0;
    bool in_string = false;
    size_t entries = 0;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];
        if (c == '\n')
            line++;
        else if (in_string && c == '\\')
            i++;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && (c == '}' || c == ']'))
            depth--;
        else if (!in_string && (c == '{' || c == '['))
            if (depth++ == 2 && entries++ == index)
                return line;
    }
    return line;
}

static enum status bad(const struct reading *reading, size_t index, const char *member, const char *why)
{
    return fault_set(reading->fault, ST_INVALID, "%s:%u: entries[%zu]%s%s: %s", reading->name,
                     line_of_entry(reading->text, index), index, *member ? "." : "", member, why);
}

static bool member_is_known(const char *key)
{
    static const char *const known[] = {"subject", "verb",     "log_only", "group",
                                        "note",    "category", "created",  "expires"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (!strcmp(key, known[i]))
            return true;
    return false;
}

/* An absent text is an empty one. */
static bool take_text(const json_t *object, const char *key, const char **out)
{
    const json_t *value = json_object_get(object, key);
    *out = value ? json_string_value(value) : "";
    return *out && (!value || strlen(*out) == json_string_length(value)); /* no NUL within */
}

static bool take_time(const json_t *object, const char *key, int64_t *out)
{
    const json_t *value = json_object_get(object, key);
    *out = (int64_t)json_integer_value(value);
    return !value || (json_is_integer(value) && *out >= 0);
}

static enum status take_members(const struct reading *reading, size_t index, json_t *object, struct user_entry *entry)
{
    const char *verb, *category, *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        if (!member_is_known(key))
            return bad(reading, index, "", "has a member that is not known; was it written by a newer ccward?");
    }
    if (!take_text(object, "verb", &verb) || (strcmp(verb, "allow") && strcmp(verb, "deny")))
        return bad(reading, index, "verb", "is neither allow nor deny");
    entry->verb = strcmp(verb, "allow") ? USER_DENY : USER_ALLOW;
    if (!take_text(object, "subject", &entry->subject))
        return bad(reading, index, "subject", "is no text");
    if (!take_text(object, "group", &entry->group))
        return bad(reading, index, "group", "is no text");
    if (!take_text(object, "note", &entry->note))
        return bad(reading, index, "note", "is no text");
    entry->category = CATEGORY_OTHER;
    if (!take_text(object, "category", &category) ||
        (*category && category_parse(str_of(category), &entry->category) != ST_OK))
        return bad(reading, index, "category", "is no category");
    value = json_object_get(object, "log_only");
    if (value && !json_is_boolean(value))
        return bad(reading, index, "log_only", "is neither true nor false");
    entry->log_only = json_is_true(value);
    if (!take_time(object, "created", &entry->created_s))
        return bad(reading, index, "created", "is no time in seconds since 1970");
    if (!take_time(object, "expires", &entry->expires_s))
        return bad(reading, index, "expires", "is no time in seconds since 1970");
    return ST_OK;
}

static enum status take_entry(const struct reading *reading, size_t index, json_t *object)
{
    struct user_entry entry;
    struct user_subject subject;
    const struct user_entry *replaced;
    struct fault why = {0};
    if (!json_is_object(object))
        return bad(reading, index, "", "is no object");
    enum status status = take_members(reading, index, object, &entry);
    if (status != ST_OK)
        return status;
    if (user_subject_parse(str_of(entry.subject), &subject, &why) != ST_OK)
        return bad(reading, index, "subject", why.text);
    entry.subject = subject.text;
    status = user_lists_put(reading->lists, &entry, &replaced, &why);
    if (status == ST_NOMEM)
        return fault_set(reading->fault, status, "%s", why.text);
    if (status != ST_OK)
        return bad(reading, index, "", why.text);
    return replaced ? bad(reading, index, "subject", "stands there twice for the same group") : ST_OK;
}

static enum status take_document(const struct reading *reading, json_t *root)
{
    const json_t *schema = json_object_get(root, "schema"), *entries = json_object_get(root, "entries");
    if (!json_is_integer(schema) || !json_is_array(entries) || json_object_size(root) != 2)
        return fault_set(reading->fault, ST_INVALID,
                         "%s:1: it is no list of ccward's: {\"schema\": 1, \"entries\": [...]}", reading->name);
    if (json_integer_value(schema) != SCHEMA)
        return fault_set(reading->fault, ST_UNSUPPORTED, "%s:1: schema %lld is not known here, only %d", reading->name,
                         (long long)json_integer_value(schema), SCHEMA);
    size_t index;
    json_t *entry;
    json_array_foreach(entries, index, entry)
    {
        enum status status = take_entry(reading, index, entry);
        if (status != ST_OK)
            return status;
    }
    return ST_OK;
}

enum status user_lists_parse(struct user_lists *lists, struct str text, const char *name, struct fault *fault)
{
    json_error_t error;
    struct reading reading = {lists, text, name, fault};
    json_t *root = json_loadb(text.data, text.length, JSON_REJECT_DUPLICATES, &error);
    if (!root) {
        char why[sizeof error.text];
        text_printable(why, sizeof why, str_of(error.text));
        return fault_set(fault, ST_INVALID, "%s:%d: this is not JSON: %s", name, error.line > 0 ? error.line : 1, why);
    }
    enum status status = take_document(&reading, root);
    json_decref(root);
    return status;
}

static json_t *entry_json(const struct user_entry *entry)
{
    json_t *json = json_pack("{s:s, s:s, s:s, s:I}", "subject", entry->subject, "verb", user_verb_text(entry->verb),
                             "category", category_text(entry->category), "created", (json_int_t)entry->created_s);
    int failed = json ? 0 : -1;
    if (!failed && entry->expires_s)
        failed |= json_object_set_new(json, "expires", json_integer((json_int_t)entry->expires_s));
    if (!failed && entry->group[0])
        failed |= json_object_set_new(json, "group", json_string(entry->group));
    if (!failed && entry->log_only)
        failed |= json_object_set_new(json, "log_only", json_true());
    if (!failed && entry->note[0])
        failed |= json_object_set_new(json, "note", json_string(entry->note));
    if (!failed)
        return json;
    json_decref(json);
    return NULL;
}

enum status user_lists_build(const struct user_lists *lists, struct buf *out)
{
    buf_printf(out, "{\"schema\": %d, \"entries\": [", SCHEMA);
    for (size_t i = 0; i < user_lists_count(lists); i++) {
        json_t *json = entry_json(user_lists_at(lists, i));
        char *text = json ? json_dumps(json, JSON_PRESERVE_ORDER) : NULL;
        json_decref(json);
        if (!text)
            return ST_NOMEM;
        buf_printf(out, "%s\n", i ? "," : "");
        buf_add_text(out, text);
        free(text);
    }
    buf_add_text(out, "\n]}\n");
    return out->failed ? ST_NOMEM : ST_OK;
}
