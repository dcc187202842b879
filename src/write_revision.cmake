# Run at every build: writes OUTPUT with the git revision of SOURCE_DIR, only when that changed, so
# that nothing is compiled again without need.
set(revision "")
find_package(Git QUIET)
if(GIT_FOUND)
  execute_process(COMMAND ${GIT_EXECUTABLE} describe --always --dirty
                  WORKING_DIRECTORY ${SOURCE_DIR}
                  OUTPUT_VARIABLE revision OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
if(NOT revision)
  set(revision unknown)
endif()
set(text "#pragma once\n#define OTFLEET_REVISION \"${revision}\"\n")
set(written "")
if(EXISTS ${OUTPUT})
  file(READ ${OUTPUT} written)
endif()
if(NOT text STREQUAL written)
  file(WRITE ${OUTPUT} "${text}")
endif()
