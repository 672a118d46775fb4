import Foundation
import Model

extension Skerry_Control_V1_StreamPart {
    init(_ frame: StreamFrame) throws {
        switch frame {
        case .input(let bytes): input = Data(bytes)
        case .output(let bytes): output = Data(bytes)
        case .errorOutput(let bytes): errorOutput = Data(bytes)
        case .endOfInput, .resize, .exit, .failed, .missing:
            self.frame = try RecordCodec.record(frame)
        }
    }

    /// The frame it carries. An id stands only in the first part, which is not read here.
    func read() -> Reading<StreamFrame> {
        switch content {
        case .input(let data): .value(.input(Array(data)))
        case .output(let data): .value(.output(Array(data)))
        case .errorOutput(let data): .value(.errorOutput(Array(data)))
        case .frame(let record): RecordCodec.read(StreamFrame.self, from: record)
        case .id, nil: .unknown(kind: "StreamPart")
        }
    }
}
