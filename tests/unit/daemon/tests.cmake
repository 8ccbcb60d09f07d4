ccward_unit(daemon zone_news)
ccward_unit(daemon clock_watch)
ccward_unit(daemon config)
ccward_unit(daemon health LINKS PkgConfig::JANSSON)
ccward_unit(daemon lists_watch)
ccward_unit(daemon refresh_reasons)
ccward_unit(daemon chosen_feeds)
ccward_unit(daemon feed_catalogue)
ccward_unit(daemon guard_watch)
ccward_unit(daemon would_block LINKS PkgConfig::JANSSON)
ccward_fuzz(config ccward_daemon)
add_test(NAME daemon.default_config
    COMMAND ${CMAKE_COMMAND} -DCCWARD=$<TARGET_FILE:ccward> -DFILE=${PROJECT_SOURCE_DIR}/ccward.yaml
        -P ${CMAKE_CURRENT_LIST_DIR}/check_default_config.cmake)
