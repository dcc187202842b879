// Ends in processor_check.cpp, before main(): this program says that it needs what no processor in
// use has.
int main() {
  return 0;
}
