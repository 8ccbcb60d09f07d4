/* Whatever a SOCKS client sends: no read past the end, views inside the input, and one verdict however it is cut. */
#include <stdint.h>

#include "base/check.h"
#include "proxy/socks_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_view(struct str view, struct str input, size_t length)
{
    CHECK(length <= input.length && view.length <= SOCKS_TEXT_MAX);
    CHECK(!view.length || (view.data >= input.data && view.data + view.length <= input.data + length));
}

static enum status parse(unsigned what, struct str input, size_t *length)
{
    struct socks_greeting greeting;
    struct socks_login login;
    struct socks_request request;
    enum status status;
    switch (what) {
    case 0:
        status = socks_greeting_parse(input, &greeting);
        *length = greeting.length;
        return status;
    case 1:
        status = socks_login_parse(input, &login);
        check_view(login.user, input, login.length);
        check_view(login.password, input, login.length);
        *length = login.length;
        return status;
    default:
        status = socks_request_parse(input, what == 2 ? SOCKS_4 : SOCKS_5, &request);
        check_view(request.name, input, request.length);
        *length = request.length;
        return status;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = {(const char *)data, size};
    for (unsigned what = 0; what < 4; what++) {
        size_t length, cut_length, cut = size ? data[size - 1] % size : 0;
        enum status status = parse(what, input, &length);
        CHECK((status == ST_OK) == (length != 0) && length <= size);
        enum status before = parse(what, (struct str){input.data, cut}, &cut_length);
        CHECK(before == ST_TRUNCATED || (before == status && cut_length == length));
        CHECK(status != ST_OK || cut >= length || before == ST_TRUNCATED);
    }
    return 0;
}
