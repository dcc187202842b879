# otfleet for Spack 1.0 or newer. In the repository:
#
#   spack repo add jobs/spack_repo/otfleet
#   spack install otfleet +cuda cuda_arch=90          # H100, H200; 80: A100, 70: V100
#   spack test run otfleet                            # where there is a GPU
#
# A cluster's own MPI, CUDA and compilers belong under packages: as externals (spack external find
# openmpi cuda), so that the network and the driver are the right ones.
import os

from spack_repo.builtin.build_systems.cmake import CMakePackage, generator
from spack_repo.builtin.build_systems.cuda import CudaPackage

from spack.package import *


class Otfleet(CMakePackage, CudaPackage):
    """Solves large populations of optimal-transport problems in batch, learns from them with a shared
    amortization model, and then solves the next ones faster."""

    # What is committed of the repository that this file lies in.
    git = "file://" + os.path.abspath(os.path.join(os.path.dirname(__file__), *[os.pardir] * 5))

    license("BSD-3-Clause")

    version("main", branch="main")

    variant("nccl", default=True, when="+cuda", description="Average gradients with NCCL")
    variant("openmp", default=False, when="~cuda", description="Kernels on all threads of a rank")

    depends_on("c", type="build")
    depends_on("cxx", type="build")
    depends_on("cmake@3.25:", type="build")
    depends_on("ninja", type="build")
    depends_on("git", type="build")  # the revision that reports name
    generator("ninja")

    depends_on("mpi")
    depends_on("hdf5+mpi")
    depends_on("blas")
    depends_on("py-torch@1.13:")
    depends_on("tomlplusplus")
    depends_on("cli11")
    depends_on("spdlog+shared")
    depends_on("fmt")
    depends_on("nlohmann-json")
    depends_on("libpng")
    depends_on("jpeg")
    depends_on("zlib-api")
    depends_on("lemon")
    depends_on("gnuplot", type="run")
    depends_on("googletest", type="test")

    # Kernels run on what Kokkos was built for; products of matrices are KokkosKernels', which hands them
    # on to a BLAS. Views are row-major.
    depends_on("kokkos+serial")
    depends_on("kokkos+openmp", when="+openmp")
    depends_on("kokkos cxxstd=20")
    depends_on("kokkos-kernels layouts=right scalars=float,double")
    depends_on("kokkos-kernels+blas", when="~cuda")
    depends_on("sleef", when="~cuda")

    with when("+cuda"):
        conflicts("cuda_arch=none", msg="name the GPUs: cuda_arch=90 for H100, 80 for A100, 70 for V100")
        depends_on("cuda@12:")
        depends_on("kokkos@4.5: +wrapper~cmake_lang")
        depends_on("kokkos+cuda_lambda", when="^kokkos@4")
        depends_on("kokkos-kernels+cuda+cublas+execspace_cuda+memspace_cudaspace")
        depends_on("py-torch@2.4: +cuda")
        # The host's compiler gets what has no kernels; nvcc uses the same one for the host's half.
        conflicts("%clang", msg="nvcc with Clang as the host's compiler has not been tried")
    for arch in CudaPackage.cuda_arch_values:
        depends_on(f"kokkos+cuda cuda_arch={arch}", when=f"+cuda cuda_arch={arch}")
        depends_on(f"py-torch+cuda cuda_arch={arch}", when=f"+cuda cuda_arch={arch}")
    depends_on("nccl", when="+nccl")

    conflicts("%gcc@:11", msg="otfleet is C++20: GCC 12 or newer")

    def cmake_args(self):
        # The compiler stays the host's: Kokkos hands what links it on to nvcc.
        args = [
            self.define_from_variant("OTFLEET_NCCL", "nccl"),
            self.define("OTFLEET_ARCH", ""),  # Spack's compiler has the target's flags
            self.define("OTFLEET_TESTS", self.run_tests),
            self.define("OTFLEET_BENCHMARKS", False),
            self.define("Kokkos_ROOT", self.spec["kokkos"].prefix),
            self.define("KokkosKernels_ROOT", self.spec["kokkos-kernels"].prefix),
        ]
        if self.spec.satisfies("+cuda"):
            (arch,) = self.spec.variants["cuda_arch"].value
            args.append(self.define("TORCH_CUDA_ARCH_LIST", f"{arch[:-1]}.{arch[-1:]}"))
        return args

    inputs = "inputs"

    @run_after("install")
    def keep_inputs(self):
        cache_extra_test_sources(self, [self.inputs])

    def run_otfleet(self, *args):
        """What `otfleet ARGS` printed; skips the test where a build for GPUs sees none."""
        otfleet = which(self.prefix.bin.otfleet, required=True)
        printed = otfleet(*args, output=str.split, error=str.split, fail_on_error=False)
        if "no CUDA device" in printed or "libcuda.so.1" in printed:
            raise SkipTest("this machine has no GPU, or no driver")
        if otfleet.returncode != 0:
            raise RuntimeError(f"otfleet {' '.join(args)}: {printed}")
        return printed

    def test_kernels(self):
        """kernels compute on this device what the host computes"""
        check_outputs("ok: a prefix sum", self.run_otfleet("--self-test"))

    def test_digits(self):
        """problems between digits are made, solved, and converge"""
        job = join_path(self.test_suite.current_test_cache_dir, self.inputs, "digits.toml")
        self.run_otfleet("make", job, "--output", "out/make", "--set", "make.test_problems=100")
        self.run_otfleet(
            "solve", job, "--output", "out/solve", "--strict", "--set", "solver.initializer=zeros"
        )
        check_outputs("dual_value", self.run_otfleet("info", "out/solve/solution.h5"))
