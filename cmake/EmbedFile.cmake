# Turns a text file into a C source with `const struct str NAME`, which HEADER declares:
#   cmake -D INPUT=... -D OUTPUT=... -D NAME=... -D HEADER=blockpage/embedded.h -P EmbedFile.cmake
#
# -D STYLE=page.css puts that style sheet in place of {{style}}. -D HASH=ON embeds, in place of the file, the
# SHA-256 of its bytes in base64, as a Content-Security-Policy source wants it (CSP3 section 2.3.1).

function(base64_of_hex hex result)
    set(alphabet "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    set(text "${hex}0000") # 32 bytes are one short of whole groups of three; the last sextet becomes `=`
    set(encoded "")
    foreach(at RANGE 0 63 6)
        string(SUBSTRING "${text}" ${at} 6 group)
        foreach(shift 18 12 6 0)
            math(EXPR index "(0x${group} >> ${shift}) & 63")
            string(SUBSTRING "${alphabet}" ${index} 1 letter)
            string(APPEND encoded "${letter}")
        endforeach()
    endforeach()
    string(SUBSTRING "${encoded}" 0 43 encoded)
    set(${result} "${encoded}=" PARENT_SCOPE)
endfunction()

if(HASH)
    file(SHA256 "${INPUT}" digest)
    base64_of_hex("${digest}" content)
else()
    file(READ "${INPUT}" content)
endif()
if(STYLE)
    file(READ "${STYLE}" style)
    string(REPLACE "{{style}}" "${style}" content "${content}")
endif()

string(HEX "${content}" hex)
string(LENGTH "${hex}" digits)
math(EXPR bytes "${digits} / 2")
string(REGEX REPLACE "(..)" "\\\\x\\1" escaped "${hex}")
string(REGEX REPLACE "(................................................................................................)"
    "\\1\"\n    \"" lines "${escaped}") # 24 bytes a line
get_filename_component(file "${INPUT}" NAME)
file(WRITE "${OUTPUT}" "/* Made from ${file} at build time. */
#include \"${HEADER}\"

const struct str ${NAME} = {
    \"${lines}\",
    ${bytes}};
")
