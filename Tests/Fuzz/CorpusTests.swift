import Foundation
import Testing

/// Everything that fuzzing found worth keeping, once more: a line of base64 an input.
@Suite struct CorpusTests {
    static func inputs(_ target: FuzzTarget) throws -> [[UInt8]] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
        let file = folder.appending(path: "Corpora/\(target.rawValue).txt")
        return try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map { line in
            guard let bytes = Data(base64Encoded: String(line)) else {
                throw BrokenProperty(description: "a line is no base64: \(line)")
            }
            return Array(bytes)
        }
    }

    @Test(arguments: FuzzTarget.allCases)
    func `what holds for every input holds for each that was kept`(target: FuzzTarget) throws {
        let inputs = try CorpusTests.inputs(target)
        #expect(inputs.count > 10)
        for input in inputs {
            do {
                try target.check(FuzzInput(input))
            } catch {
                Issue.record("\(target) \(Data(input).base64EncodedString()): \(error)")
            }
        }
    }
}
