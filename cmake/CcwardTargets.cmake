# ccward_folder(NAME SOURCES a.c b.c [LINKS ...] [PRIVATE_LINKS ...])
# One static library per source folder. Includes are written from the top: #include "base/status.h".
# LINKS repeats the folder's line in the layer table; PRIVATE_LINKS are third-party libraries used only here.
function(ccward_folder name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LINKS;PRIVATE_LINKS" ${ARGN})
    add_library(ccward_${name} STATIC ${ARG_SOURCES})
    target_include_directories(ccward_${name} PUBLIC ${PROJECT_SOURCE_DIR})
    list(TRANSFORM ARG_LINKS PREPEND ccward_)
    target_link_libraries(ccward_${name} PUBLIC ${ARG_LINKS} PRIVATE ${ARG_PRIVATE_LINKS})
endfunction()

# ccward_unit(FOLDER FILE [LINKS ...]): the cmocka program tests/unit/FOLDER/test_FILE.c, as ctest FOLDER.FILE.
function(ccward_unit folder file)
    cmake_parse_arguments(ARG "" "" "LINKS" ${ARGN})
    set(target test_${folder}_${file})
    add_executable(${target} ${PROJECT_SOURCE_DIR}/tests/unit/${folder}/test_${file}.c)
    target_link_libraries(${target} PRIVATE ccward_${folder} ${ARG_LINKS} PkgConfig::CMOCKA)
    target_compile_definitions(${target} PRIVATE
        CCWARD_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
        CCWARD_SHARED_DATA="${CCWARD_SHARED_DATA}")
    add_test(NAME ${folder}.${file} COMMAND ${target})
    set_tests_properties(${folder}.${file} PROPERTIES LABELS unit TIMEOUT 300)
    # Feeds are read in a process without threads: nothing there for the thread sanitizer.
    if(NOT folder STREQUAL "feeds")
        set_tests_properties(${folder}.${file} PROPERTIES LABELS "unit;threads")
        if(NOT TARGET thread_tests)
            add_custom_target(thread_tests)
        endif()
        add_dependencies(thread_tests ${target})
    endif()
endfunction()

# ccward_fuzz(NAME LIBS...): tests/fuzz/fuzz_NAME.c over the corpus tests/fuzz/corpus/NAME. Under the fuzz preset
# it is a libFuzzer program; otherwise tests/fuzz/replay_main.c runs it over the corpus once.
function(ccward_fuzz name)
    set(target fuzz_${name})
    set(source ${PROJECT_SOURCE_DIR}/tests/fuzz/fuzz_${name}.c)
    set(corpus ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name})
    if(CCWARD_FUZZERS)
        add_executable(${target} ${source})
        target_compile_options(${target} PRIVATE -fsanitize=fuzzer)
        target_link_options(${target} PRIVATE -fsanitize=fuzzer)
        set(command ${target} -max_total_time=${CCWARD_FUZZ_SECONDS} -timeout=10 -rss_limit_mb=2048
            -artifact_prefix=${PROJECT_BINARY_DIR}/fuzz-${name}- -print_final_stats=1
            ${PROJECT_BINARY_DIR}/fuzz-corpus/${name} ${corpus})
        file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/fuzz-corpus/${name})
    else()
        add_executable(${target} ${source} ${PROJECT_SOURCE_DIR}/tests/fuzz/replay_main.c)
        set(command ${target} ${corpus})
    endif()
    target_link_libraries(${target} PRIVATE ${ARGN})
    if(NOT TARGET fuzzers)
        add_custom_target(fuzzers)
    endif()
    add_dependencies(fuzzers ${target})
    add_test(NAME fuzz.${name} COMMAND ${command})
    set_tests_properties(fuzz.${name} PROPERTIES LABELS fuzz TIMEOUT 900)
endfunction()
