#include "feeds/tags.h"

#include <stddef.h>

bool tag_is_none(struct str tag)
{
    static const char *const words[] = {"none", "null", "n/a", "na", "-", "unknown", "unknown malware", "other"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (str_eq_nocase(tag, str_of(words[i])))
            return true;
    return !tag.length;
}

bool tag_is_family(struct str tag)
{
    static const char *const general[] = {
        "none",
        "32",
        "32-bit",
        "64",
        "64-bit",
        "arm",
        "arm4",
        "arm5",
        "arm6",
        "arm64",
        "arm7",
        "mips",
        "mipsel",
        "mpsl",
        "m68k",
        "ppc",
        "powerpc",
        "sh4",
        "sparc",
        "x86",
        "x86-32",
        "x86-64",
        "x64",
        "i586",
        "i686",
        "elf",
        "exe",
        "dll",
        "msi",
        "sh",
        "shellscript",
        "script",
        "ps1",
        "ps",
        "powershell",
        "vbs",
        "vbscript",
        "js",
        "javascript",
        "hta",
        "lnk",
        "jar",
        "apk",
        "bat",
        "cmd",
        "doc",
        "docx",
        "docm",
        "xls",
        "xlsx",
        "xlsm",
        "rtf",
        "pdf",
        "zip",
        "rar",
        "7z",
        "iso",
        "img",
        "html",
        "htm",
        "txt",
        "ascii",
        "base64",
        "base64-loader",
        "encoded",
        "encrypted",
        "geofenced",
        "opendir",
        "ua-wget",
        "c2",
        "c&c",
        "malware",
        "botnet",
        "loader",
        "dropper",
        "stealer",
        "rat",
        "payload",
        "usa",
        "phishing",
        "malicious-activity",
        "anomalous-activity",
        "attribution",
        "compromised",
        "malware_download",
        "botnet_cc",
        "osint",
    };
    if (tag.length < 2 || (tag.length > 4 && str_eq_nocase((struct str){tag.data, 4}, STR("tlp:"))))
        return false;
    for (size_t i = 0; i < sizeof general / sizeof general[0]; i++)
        if (str_eq_nocase(tag, str_of(general[i])))
            return false;
    return true;
}

struct str tags_family(struct str tags)
{
    bool more = true;
    while (more) {
        struct str tag = tags;
        more = str_cut(tags, ',', &tag, &tags);
        tag = str_trim(tag);
        if (tag_is_family(tag))
            return tag;
    }
    return (struct str){0};
}
