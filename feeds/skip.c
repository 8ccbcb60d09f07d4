#include "feeds/skip.h"

#include "base/check.h"

static const struct {
    const char *text;
    bool fault;
} skips[SKIP_COUNT] = {
    [SKIP_NOT] = {"taken", false},
    [SKIP_LONG_LINE] = {"line over 64 KiB", true},
    [SKIP_NUL_BYTE] = {"NUL byte", true},
    [SKIP_NO_ADDRESS_COLUMN] = {"no address in the first column", true},
    [SKIP_NO_NAME_COLUMN] = {"no name after the address", true},
    [SKIP_NOT_NAME] = {"not a host name", true},
    [SKIP_SINGLE_LABEL] = {"single label", true},
    [SKIP_NOT_ADDRESS] = {"not an address or network", true},
    [SKIP_EVERY_ADDRESS] = {"network of every address", true},
    [SKIP_NOT_URL] = {"not an http or https URL", true},
    [SKIP_LONG_URL] = {"URL over 8 KiB", true},
    [SKIP_NO_KEY] = {"URL that cannot be looked up", true},
    [SKIP_NOT_RULE] = {"not a rule of this format", true},
    [SKIP_DATA] = {"record data that can't be read", true},
    [SKIP_BOILERPLATE] = {"local name of a hosts file", false},
    [SKIP_ADDRESS_AS_NAME] = {"address in the name column", false},
    [SKIP_REWRITE] = {"redirection to another address", false},
    [SKIP_PATTERN] = {"pattern that is no name", false},
    [SKIP_TOP_LEVEL] = {"whole top-level domain", false},
    [SKIP_MODIFIER] = {"rule with modifiers", false},
    [SKIP_SWITCH] = {"rule that switches off another", false},
    [SKIP_SWITCHED_OFF] = {"switched off by another rule", false},
    [SKIP_REGEX] = {"regular expression", false},
    [SKIP_COSMETIC] = {"cosmetic rule", false},
    [SKIP_DIRECTIVE] = {"other directive", false},
    [SKIP_OTHER_KIND] = {"neither name, URL nor address", false},
    [SKIP_OUTSIDE] = {"name outside of the zone", false},
    [SKIP_PATH] = {"path on any host", false},
    [SKIP_WITHDRAWN] = {"withdrawn by its publisher", false},
    [SKIP_SUPERSEDED] = {"an older version of an entry", false},
    [SKIP_UNFETCHED] = {"event that could not be fetched", false},
    [SKIP_NOT_FOR_DETECTION] = {"not meant for detection", false},
    [SKIP_CONDITIONS] = {"pattern of more than one condition", false},
    [SKIP_BEYOND_TOP] = {"beyond the first that are wanted", false},
    [SKIP_LOCAL_NAME] = {"guard: name of the machine itself", false},
    [SKIP_SPECIAL_ADDRESS] = {"guard: private or special address", false},
    [SKIP_OWN_ADDRESS] = {"guard: address of the machine itself", false},
};

const char *skip_text(enum skip skip)
{
    CHECK(skip < SKIP_COUNT && skips[skip].text);
    return skips[skip].text;
}

const char *skip_text_find(struct str text)
{
    for (enum skip skip = SKIP_NOT + 1; skip < SKIP_COUNT; skip++)
        if (str_eq(text, str_of(skips[skip].text)))
            return skips[skip].text;
    return NULL;
}

bool skip_is_fault(enum skip skip)
{
    CHECK(skip < SKIP_COUNT);
    return skips[skip].fault;
}
