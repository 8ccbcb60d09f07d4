#include "feeds/json.h"

#include "feeds/when.h"

struct str json_text(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return (struct str){json_string_value(value), json_string_length(value)};
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
    uint64_t seconds;
    if (json_number(object, key, UINT32_MAX, &seconds))
        return (uint32_t)seconds;
    return when_parse(json_text(object, key));
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
