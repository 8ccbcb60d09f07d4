#include "dnsfilter/dns_structured.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum dns_sub_error dns_sub_error_of(enum category category)
{
    switch (category) {
    case CATEGORY_C2:
    case CATEGORY_MALWARE:
    case CATEGORY_RANSOMWARE:
    case CATEGORY_DGA:
    case CATEGORY_TUNNEL:
    case CATEGORY_FAST_FLUX:
    case CATEGORY_CRYPTOMINING:
        return DNS_SUB_MALWARE;
    case CATEGORY_PHISHING:
    case CATEGORY_SCAM:
        return DNS_SUB_PHISHING;
    case CATEGORY_TRACKING:
        return DNS_SUB_SPYWARE;
    default:
        return DNS_SUB_POLICY;
    }
}

static bool all_of(struct str text, const char *allowed)
{
    for (size_t i = 0; i < text.length; i++)
        if (!text.data[i] || !strchr(allowed, text.data[i]))
            return false;
    return text.length != 0;
}

static bool is_mail_address(struct str text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_+";
    struct str user, host;
    return str_cut(text, '@', &user, &host) && all_of(user, allowed) && all_of(host, allowed);
}

/* The draft takes tel: and mailto: alone. A name or a sentence is no contact, but tells who is responsible. */
static bool contact_uri(struct str contact, char *out, size_t size)
{
    if (str_starts(contact, STR("tel:")) || str_starts(contact, STR("mailto:")))
        text_copy(out, size, contact);
    else if (is_mail_address(contact))
        snprintf(out, size, "mailto:%.*s", (int)contact.length, contact.data);
    else if (contact.length > 2 && all_of(contact, "+-0123456789"))
        snprintf(out, size, "tel:%.*s", (int)contact.length, contact.data);
    else
        return false;
    return true;
}

static json_t *structured(const struct dns_note *note, bool whole)
{
    enum { URI_SIZE = 256 };
    char uri[URI_SIZE];
    json_t *json = json_object();
    bool has_uri = contact_uri(note->contact, uri, sizeof uri), words = false;
    int failed = !json;
    if (has_uri)
        failed |= json_object_set_new(json, "c", json_pack("[s]", uri));
    if (whole && note->text.length) {
        failed |= json_object_set_new(json, "j", json_stringn(note->text.data, note->text.length));
        words = true;
    }
    if (note->sub_error)
        failed |= json_object_set_new(json, "s", json_integer(note->sub_error));
    if (whole && note->contact.length && !has_uri) {
        failed |= json_object_set_new(json, "o", json_stringn(note->contact.data, note->contact.length));
        words = true;
    }
    if (words)
        failed |= json_object_set_new(json, "l", json_string("en"));
    if (!failed)
        return json;
    json_decref(json);
    return NULL;
}

size_t dns_structured_text(const struct dns_note *note, size_t room, char out[DNS_STRUCTURED_MAX])
{
    if (room > DNS_STRUCTURED_MAX)
        room = DNS_STRUCTURED_MAX;
    for (int whole = 1; whole >= 0; whole--) {
        json_t *json = structured(note, whole);
        size_t n = json ? json_dumpb(json, out, room, JSON_COMPACT) : 0;
        json_decref(json);
        if (n && n <= room)
            return n;
    }
    return 0;
}
