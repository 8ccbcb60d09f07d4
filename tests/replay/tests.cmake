include_guard(GLOBAL)

# Scenarios for the DNS side: the real dnsfilter, policy and store, with fakes for the network, the clock and the recorder.
# The fakes define the same functions as net/ and callbacks/recorder.c; the linker takes those of the program first.
add_executable(test_replay
    ${PROJECT_SOURCE_DIR}/tests/replay/replay.c
    ${PROJECT_SOURCE_DIR}/tests/replay/replay_names.c
    ${PROJECT_SOURCE_DIR}/tests/replay/replay_policy.c
    ${PROJECT_SOURCE_DIR}/tests/replay/replay_zone.c
    ${PROJECT_SOURCE_DIR}/tests/replay/script.c
    ${PROJECT_SOURCE_DIR}/tests/replay/text_message.c
    ${PROJECT_SOURCE_DIR}/tests/replay/upstream_script.c
    ${PROJECT_SOURCE_DIR}/tests/replay/fake_net.c)
target_link_libraries(test_replay PRIVATE ccward_dnsfilter ccward_feeds)

file(GLOB scenarios CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/replay/scenarios/*.rpl)
foreach(scenario IN LISTS scenarios)
    get_filename_component(name ${scenario} NAME_WE)
    add_test(NAME replay.${name} COMMAND test_replay ${scenario})
    set_tests_properties(replay.${name} PROPERTIES LABELS replay TIMEOUT 60)
endforeach()
