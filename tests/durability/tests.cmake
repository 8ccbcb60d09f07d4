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

ccward_durability(damage)
ccward_durability(kill)
ccward_durability(power_loss crash_image.c)
ccward_durability(trouble)

add_library(record_writes MODULE ${PROJECT_SOURCE_DIR}/tests/durability/record_writes.c)
target_include_directories(record_writes PRIVATE ${PROJECT_SOURCE_DIR})
target_compile_options(record_writes PRIVATE -fno-sanitize=all -U_FORTIFY_SOURCE)
target_link_options(record_writes PRIVATE -fno-sanitize=all)
target_link_libraries(record_writes PRIVATE ${CMAKE_DL_LIBS})
target_compile_definitions(test_durability_power_loss PRIVATE RECORD_WRITES_LIBRARY="$<TARGET_FILE:record_writes>")
add_dependencies(test_durability_power_loss record_writes)
