# Language, warnings and hardening, for every target of this project.
option(CCWARD_FUZZERS "Build the libFuzzer targets (needs clang)" OFF)
set(CCWARD_SANITIZE "" CACHE STRING "Sanitizers for every target, as -fsanitize= takes them")

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON) # recvmmsg, SO_REUSEPORT, memfd_create: Linux is the platform
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()

if(CCWARD_FUZZERS)
    add_compile_options(-fsanitize=fuzzer-no-link) # coverage of the libraries steers the fuzzer
endif()

# CHECK() stays on in release; nothing depends on NDEBUG.
add_compile_definitions(_GNU_SOURCE)
add_compile_options(
    -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wcast-qual
    -Wwrite-strings -Wvla -Wundef -Wformat=2 -Wimplicit-fallthrough -fno-common
    -Wno-missing-field-initializers) # what a table leaves out is zero, by the standard

if(CCWARD_SANITIZE)
    add_compile_options(-fsanitize=${CCWARD_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -g)
    add_link_options(-fsanitize=${CCWARD_SANITIZE})
else()
    add_compile_options(-fstack-protector-strong -fstack-clash-protection)
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64")
        add_compile_options(-fcf-protection)
    endif()
    if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
        add_compile_definitions(_FORTIFY_SOURCE=2)
    endif()
    add_link_options(-pie -Wl,-z,relro,-z,now,-z,noexecstack)
endif()
