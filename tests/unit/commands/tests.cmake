ccward_unit(commands would_block LINKS PkgConfig::JANSSON)
add_test(NAME commands.default_config
    COMMAND ${CMAKE_COMMAND} -DCCWARD=$<TARGET_FILE:ccward> -DFILE=${PROJECT_SOURCE_DIR}/ccward.yaml
        -P ${CMAKE_CURRENT_LIST_DIR}/check_default_config.cmake)
