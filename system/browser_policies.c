#include "system/browser_policies.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "system/system_files.h"

/* The browser is there where one of these is. */
struct browser {
    const char *program, *settings; /* settings: its folder below /etc */
};

static const struct browser chromiums[BROWSER_CHROMIUMS] = {{"/usr/bin/chromium", "/etc/chromium"},
                                                            {"/usr/bin/google-chrome", "/etc/opt/chrome"},
                                                            {"/usr/bin/microsoft-edge", "/etc/opt/edge"},
                                                            {"/usr/bin/brave-browser", "/etc/brave"}};
static const struct browser firefoxes[] = {{"/usr/bin/firefox-esr", "/etc/firefox"},
                                           {"/usr/bin/firefox", "/etc/firefox"}};

static bool exists(const char *root, const char *path)
{
    char whole[PATH_MAX];
    return system_path(root, path, whole, sizeof whole) == ST_OK && access(whole, F_OK) == 0;
}

static bool is_there(const char *root, const struct browser *browser)
{
    return exists(root, browser->program) || exists(root, browser->settings);
}

const char *chromium_settings(size_t index)
{
    return chromiums[index].settings;
}

bool chromium_is_there(const char *root, size_t index)
{
    return is_there(root, &chromiums[index]);
}

bool firefox_is_there(const char *root)
{
    return is_there(root, &firefoxes[0]) || is_there(root, &firefoxes[1]);
}

json_t *firefox_policies_parse(struct str text, struct fault *fault)
{
    json_error_t error;
    if (!text.length)
        return json_object();
    json_t *json = json_loadb(text.data, text.length, JSON_REJECT_DUPLICATES, &error);
    if (json_is_object(json))
        return json;
    fault_set(fault, ST_INVALID, "line %d: it is no JSON object; put it right first", json ? 1 : error.line);
    json_decref(json);
    return NULL;
}

json_t *json_member(json_t *object, const char *key, json_t *(*make)(void))
{
    json_t *found = json_object_get(object, key);
    if (found)
        return found;
    json_object_set_new(object, key, make());
    return json_object_get(object, key);
}
