import Foundation

/// What libFuzzer calls with each input; `DMS_FUZZ_TARGET` names the target.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    do {
        try unsafe chosenTarget.check(FuzzInput(Array(UnsafeBufferPointer(start: start, count: count))))
        return 0
    } catch {
        fatalError("\(error)")
    }
}

private let chosenTarget: FuzzTarget = {
    let name = ProcessInfo.processInfo.environment["DMS_FUZZ_TARGET"] ?? ""
    guard let target = FuzzTarget(rawValue: name) else { fatalError("DMS_FUZZ_TARGET names no target: '\(name)'") }
    return target
}()
