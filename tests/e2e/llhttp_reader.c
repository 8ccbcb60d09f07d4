/* Reads the requests of one connection from the standard input with llhttp and prints them for http_oracle.py: for each
 * a line of method, bytes of target and bytes of body, then these bytes. Exit 1 where it is no row of whole requests.
 */
#include <llhttp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 64 << 20 };

static char *target, *body;
static size_t target_size, body_size;
static int is_open;

static int on_begin(llhttp_t *parser)
{
    (void)parser;
    target_size = body_size = 0;
    is_open = 1;
    return 0;
}

static int on_url(llhttp_t *parser, const char *at, size_t n)
{
    (void)parser;
    memcpy(target + target_size, at, n);
    target_size += n;
    return 0;
}

static int on_body(llhttp_t *parser, const char *at, size_t n)
{
    (void)parser;
    memcpy(body + body_size, at, n);
    body_size += n;
    return 0;
}

static int on_complete(llhttp_t *parser)
{
    printf("%s %zu %zu\n", llhttp_method_name(parser->method), target_size, body_size);
    fwrite(target, 1, target_size, stdout);
    fwrite(body, 1, body_size, stdout);
    is_open = 0;
    return 0;
}

int main(void)
{
    llhttp_settings_t settings;
    llhttp_t parser;
    char *data = malloc(MOST);
    target = malloc(MOST);
    body = malloc(MOST);
    if (!data || !target || !body)
        return 2;
    size_t n = fread(data, 1, MOST, stdin);
    llhttp_settings_init(&settings);
    settings.on_message_begin = on_begin;
    settings.on_url = on_url;
    settings.on_body = on_body;
    settings.on_message_complete = on_complete;
    llhttp_init(&parser, HTTP_REQUEST, &settings);
    enum llhttp_errno error = llhttp_execute(&parser, data, n);
    if (error == HPE_OK)
        error = llhttp_finish(&parser);
    if (error != HPE_OK || is_open) {
        fprintf(stderr, "llhttp: %s\n", error != HPE_OK ? llhttp_get_error_reason(&parser) : "an incomplete request");
        return 1;
    }
    return 0;
}
