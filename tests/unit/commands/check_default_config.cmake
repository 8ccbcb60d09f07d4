# ccward.yaml must be what the schema says of itself:
#   CCWARD_CONFIG=/dev/null ccward run --print-config --annotated > ccward.yaml
execute_process(COMMAND ${CMAKE_COMMAND} -E env CCWARD_CONFIG=/dev/null ${CCWARD} run --print-config --annotated
    OUTPUT_VARIABLE printed RESULT_VARIABLE failed)
file(READ ${FILE} kept)
if(failed OR NOT printed STREQUAL kept)
    message(FATAL_ERROR "${FILE} is not what `ccward run --print-config --annotated` prints for the defaults")
endif()
