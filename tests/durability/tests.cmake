# What the store survives: kills, power loss, damaged files, full disks. CCWARD_LONG=1 in the environment of ctest takes
# the full counts.
add_library(durability_feed STATIC ${PROJECT_SOURCE_DIR}/tests/durability/feed.c)
target_link_libraries(durability_feed PUBLIC ccward_reputation)

# ccward_durability(NAME SOURCES...): the cmocka program tests/durability/test_NAME.c, as ctest durability.NAME.
function(ccward_durability name)
    set(target test_durability_${name})
    list(TRANSFORM ARGN PREPEND ${PROJECT_SOURCE_DIR}/tests/durability/ OUTPUT_VARIABLE sources)
    add_executable(${target} ${PROJECT_SOURCE_DIR}/tests/durability/test_${name}.c ${sources})
    target_link_libraries(${target} PRIVATE durability_feed PkgConfig::CMOCKA)
    add_test(NAME durability.${name} COMMAND ${target})
    set_tests_properties(durability.${name} PROPERTIES LABELS durability TIMEOUT 600)
endfunction()

ccward_durability(kill)
