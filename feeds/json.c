#include "feeds/json.h"

#include "feeds/when.h"

struct str json_text(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return (struct str){json_string_value(value), json_string_length(value)};
}

void json_tags(struct intake *intake, const json_t *tags)
{
    const json_t *tag;
    size_t i;
    if (json_is_string(tags)) {
        intake_tags(intake, (struct str){json_string_value(tags), json_string_length(tags)});
        return;
    }
    json_array_foreach(tags, i, tag)
    {
        struct str name = json_text(tag, "name");
        intake_tag(intake, name.length ? name : (struct str){json_string_value(tag), json_string_length(tag)});
    }
}

bool json_is_yes(const json_t *object, const char *key)
{
    uint64_t number;
    return json_is_true(json_object_get(object, key)) || str_eq_nocase(json_text(object, key), STR("true")) ||
           (json_number(object, key, 1, &number) && number);
}

bool json_is_empty(const json_t *root)
{
    return (json_is_array(root) && !json_array_size(root)) || (json_is_object(root) && !json_object_size(root));
}

bool json_number(const json_t *object, const char *key, uint64_t max, uint64_t *value)
{
    const json_t *number = json_object_get(object, key);
    if (json_is_string(number))
        return text_u64(json_text(object, key), max, value) == ST_OK;
    if (!json_is_integer(number) || json_integer_value(number) < 0 || (uint64_t)json_integer_value(number) > max)
        return false;
    *value = (uint64_t)json_integer_value(number);
    return true;
}

uint32_t json_when(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_number(value))
        return when_parse(json_text(object, key));
    double seconds = json_number_value(value);
    seconds = seconds >= 1e12 ? seconds / 1000 : seconds;
    return seconds > 0 && seconds <= UINT32_MAX ? (uint32_t)seconds : 0;
}

static json_t *list_of(json_t *root, const char *member)
{
    json_t *list = member ? json_object_get(root, member) : NULL;
    return list ? list : root;
}

/* Of an object whose members are all arrays. */
static json_t *first_member(json_t *object)
{
    return json_object_iter_value(json_object_iter(object));
}

void json_rows(struct intake *intake, json_t *root, const char *member,
               void (*take)(struct intake *intake, const json_t *row))
{
    json_t *list = list_of(root, member), *row, *rows;
    const char *key;
    size_t i;
    if (json_is_object(list) && !json_is_array(first_member(list))) {
        take(intake, list);
        return;
    }
    json_array_foreach(list, i, row)
    {
        take(intake, row);
    }
    json_object_foreach(list, key, rows)
    {
        json_array_foreach(rows, i, row)
        {
            take(intake, row);
        }
    }
}

const json_t *json_first_row(json_t *root, const char *member)
{
    json_t *list = list_of(root, member);
    if (json_is_object(list) && json_is_array(first_member(list)))
        list = first_member(list);
    return json_is_array(list) ? json_array_get(list, 0) : list;
}

void json_entry(struct intake *intake, struct str text)
{
    intake_line(intake, text);
}
